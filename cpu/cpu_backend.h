#pragma once
// The CPU backend, in f32 and bf16: oneDNN and our own Winograd for convolutions, oneDNN for matrix products, the
// vectorised kernels of cpu/vector for the other large tensors, the plain loops of cpu/host for the small ones.

#include "cpu/activation.h"
#include "cpu/convolution/convolutions.h"
#include "cpu/host/host_backend.h"
#include "cpu/vector/kernels.h"

namespace tandem::cpu {

class CpuBackend final : public HostBackend {
 public:
  explicit CpuBackend(const CpuOptions& options);

  std::string description() const override;
  bool supports(DType activation) const override;
  AutotuneChoices autotune_choices() const override { return convolutions_.choices(); }
  void adopt(const AutotuneChoices& choices) override { convolutions_.adopt(choices); }
  std::string why_choices_are_not_kept() const override { return convolutions_.why_not_kept(); }

  void cast(const Tensor& from, Tensor& to) override;
  void add(const Tensor& a, const Tensor& b, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void normalize_images(const Tensor& pixels, Tensor& y) override;

  void conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) override;
  void conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) override;
  void conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) override;

  void conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                        const Tensor& residual, bool relu, Tensor& y) override;

  void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) override;
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

  void optimizer_update(const UpdateRule& rule, const UpdateInputs& inputs,
                        std::vector<ParameterUpdate>& parameters) override;
  void gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) override;

 private:
  template <class Body>
  void parallel_pieces(std::int64_t n, std::int64_t grain, const Body& body) {
    cpu::parallel_pieces(threads(), n, grain, body);
  }
  void update_by_sgd(const SgdOptions& options, const UpdateInputs& inputs, ParameterUpdate& p);

  const VectorKernels& kernels_;
  OneDnn onednn_;
  Convolutions convolutions_;
};

}  // namespace tandem::cpu
