#pragma once
// A backend that passes every kernel on to another one and writes down how long it took.

#include <cstdint>
#include <functional>
#include <string>

#include "core/backend/backend.h"

namespace tandem {

/// One call of a kernel.
struct TimedCall {
  const char* kernel;   ///< the backend's name for it: "conv2d_forward"
  std::string problem;  ///< what it worked on: "1x1/1 64 -> 256 at 56x56"
  double seconds;
  double flop;   ///< multiplications and additions of convolutions and matrix products; 0 for the rest
  double bytes;  ///< what must be read and written, if nothing stays in a cache between the passes of a kernel
};

/// Waits for each kernel to be done before it calls the next. Memory is the other backend's; its kernels are not timed.
class TimedBackend final : public Backend {
 public:
  using Observer = std::function<void(const TimedCall&)>;
  TimedBackend(Backend& backend, Observer observer) : backend_(backend), observer_(std::move(observer)) {}

  Device device() const override { return backend_.device(); }
  std::string description() const override { return backend_.description(); }
  bool supports(DType activation) const override { return backend_.supports(activation); }
  void synchronize() override { backend_.synchronize(); }
  Tensor empty(const Shape& shape, DType dtype) override { return backend_.empty(shape, dtype); }
  MemoryStats memory() const override { return backend_.memory(); }
  void copy_from_host(const void* from, Tensor& to) override { backend_.copy_from_host(from, to); }
  void copy_to_host(const Tensor& from, void* to) override { backend_.copy_to_host(from, to); }
  std::unique_ptr<Uploader> make_uploader(std::size_t bytes) override { return backend_.make_uploader(bytes); }
  std::unique_ptr<Downloader> make_downloader(std::size_t elements) override {
    return backend_.make_downloader(elements);
  }
  /// Null: what is replayed is not timed kernel by kernel.
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

 private:
  template <class Call>
  void timed(const char* kernel, std::string problem, double flop, double bytes, const Call& call);

  Backend& backend_;
  Observer observer_;
};

}  // namespace tandem
