#pragma once
// The reference backend: every kernel as the plainest loop that says what it computes, templated on f32 and f64. Slow
// on purpose. Other kernels are compared with it, gradient checks and fixtures run on it in f64, and the optimised CPU
// backend inherits from it the f64 path and the kernels that are too small to be worth more.

#include "core/backend/backend.h"
#include "core/base/processors.h"
#include "cpu/threads.h"

namespace tandem::cpu {

class ReferenceBackend : public Backend {
 public:
  /// So many threads compute.
  explicit ReferenceBackend(int threads = compute_threads({}).count);

  Device device() const override { return {}; }
  std::string description() const override { return "reference kernels"; }
  bool supports(DType activation) const override { return activation == DType::f32 || activation == DType::f64; }
  void synchronize() override {}

  Tensor empty(const Shape& shape, DType dtype) override { return {arena_, shape, dtype}; }
  MemoryStats memory() const override { return arena_->stats(); }
  void copy_from_host(const void* from, Tensor& to) override;
  void copy_to_host(const Tensor& from, void* to) override;
  std::unique_ptr<Uploader> make_uploader(std::size_t bytes) override;
  std::unique_ptr<Downloader> make_downloader(std::size_t elements) override;
  std::unique_ptr<CapturedStep> capture(const std::function<void()>& /*body*/) override { return nullptr; }
  void copy(const Tensor& from, Tensor& to) override;
  void fill(Tensor& x, double value) override;

  void cast(const Tensor& from, Tensor& to) override;
  void add(const Tensor& a, const Tensor& b, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void scale(const Tensor& x, const Tensor& factor, Tensor& y) override;
  void weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) override;
  void normalize_images(const Tensor& pixels, Tensor& y) override;

  void conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) override;
  void conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) override;
  void conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) override;

  void conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                        const Tensor& residual, bool relu, Tensor& y) override;
  void fold_batch_norm(double eps, const Tensor& w, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                       const Tensor& running_var, Tensor& folded_w, Tensor& folded_b) override;

  void linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) override;
  void linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) override;
  void linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) override;

  void batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                const Tensor& gamma, const Tensor& beta, Tensor& running_mean, Tensor& running_var,
                                Tensor& y, BatchNormSaved& saved) override;
  void batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                               const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                               const Tensor& running_var, Tensor& y) override;
  void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual, Tensor& dgamma,
                           Tensor& dbeta) override;

  void max_pool_forward(const Pool2dGeometry& geometry, const Tensor& x, Tensor& y, Tensor& argmax) override;
  void max_pool_backward(const Pool2dGeometry& geometry, const Tensor& dy, const Tensor& argmax, Tensor& dx) override;
  void average_pool_forward(const Tensor& x, Tensor& y) override;
  void average_pool_backward(const Tensor& dy, Tensor& dx) override;

  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override;
  void contrastive_forward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b, const Tensor& labels_a,
                           const Tensor& labels_b, Tensor& distance, Tensor& loss) override;
  void contrastive_backward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b, const Tensor& labels_a,
                            const Tensor& labels_b, const Tensor& distance, const Tensor& dloss, Tensor& da,
                            Tensor& db) override;

  void sgd_update(const SgdOptions& options, const UpdateInputs& inputs,
                  std::vector<SgdParameter>& parameters) override;
  void adam_update(const AdamOptions& options, const UpdateInputs& inputs,
                   std::vector<AdamParameter>& parameters) override;
  void gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) override;
  void update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) override;

 protected:
  const std::shared_ptr<Arena>& arena() const { return arena_; }
  Threads& threads() { return threads_; }
  int thread_count() const { return threads_.count(); }

 private:
  std::shared_ptr<Arena> arena_;
  Threads threads_;
};

}  // namespace tandem::cpu
