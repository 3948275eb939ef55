#pragma once
// The CUDA backend: cuDNN for convolutions, cuBLASLt for matrix products, the kernels of cuda/kernels for the rest, all
// queued on one stream.

#include "core/backend/backend.h"
#include "cuda/cudnn/convolutions.h"
#include "cuda/matrix_products.h"
#include "cuda/runtime/captured_graph.h"
#include "cuda/runtime/device.h"

namespace tandem::cuda {

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(const CudaOptions& options);
  /// Waits for what is queued.
  ~CudaBackend() override;

  Device device() const override { return {DeviceKind::cuda, properties_.index}; }
  std::string description() const override;
  bool supports(DType activation) const override;
  AutotuneChoices autotune_choices() const override { return convolutions_.choices(); }
  void adopt(const AutotuneChoices& choices) override { convolutions_.adopt(choices); }
  void synchronize() override;

  Tensor empty(const Shape& shape, DType dtype) override { return {arena_, shape, dtype}; }
  MemoryStats memory() const override { return arena_->stats(); }
  void copy_from_host(const void* from, Tensor& to) override;
  void copy_to_host(const Tensor& from, void* to) override;
  std::unique_ptr<Uploader> make_uploader(std::size_t bytes) override;
  std::unique_ptr<Downloader> make_downloader(std::size_t elements) override;
  std::unique_ptr<CapturedStep> capture(const std::function<void()>& body) override;
  void copy(const Tensor& from, Tensor& to) override;
  void fill(Tensor& x, double value) override;

  void cast(const Tensor& from, Tensor& to) override;
  void add(const Tensor& a, const Tensor& b, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) override;
  void normalize_images(const Tensor& pixels, Tensor& y) override;

  void unary(UnaryOp op, const Tensor& x, Tensor& y) override;
  void affine(double factor, double shift, const Tensor& x, Tensor& y) override;
  void binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) override;
  void reduce(ReduceOp op, Over over, const Tensor& x, Tensor& y) override;
  void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) override;
  void gather_rows(const Tensor& x, const Tensor& index, Tensor& y) override;
  void scatter_add_rows(const Tensor& x, const Tensor& index, Tensor& y) override;

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
  void average_squares_forward(std::int64_t side, const Tensor& x, Tensor& y) override;
  void average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) override;

  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override;

  void optimizer_update(const UpdateRule& rule, const UpdateInputs& inputs,
                        std::vector<ParameterUpdate>& parameters) override;
  void gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) override;
  void update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) override;

 private:
  Tensor scratch(std::size_t bytes) { return {arena_, {static_cast<std::int64_t>(bytes)}, DType::u8}; }

  DeviceProperties properties_;  // first: what follows is made on that device
  CudaOptions options_;
  std::shared_ptr<Arena> arena_;
  Stream stream_;
  kernels::Queue queue_;
  Convolutions convolutions_;
  MatrixProducts products_;
};

}  // namespace tandem::cuda
