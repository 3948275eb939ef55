#pragma once
// The reference backend: every kernel as the plainest loop that says what it computes, templated on f32 and f64. Slow
// on purpose. Other kernels are compared with it. Gradient checks, fixtures and runs with precision fp64 on the CPU use
// it in f64.

#include "cpu/host/host_backend.h"

namespace tandem::cpu {

class ReferenceBackend : public HostBackend {
 public:
  explicit ReferenceBackend(const ThreadCount& threads = compute_threads({})) : HostBackend(threads) {}

  std::string description() const override { return "cpu, " + threads_description() + ", reference kernels"; }
  bool supports(DType activation) const override { return activation == DType::f32 || activation == DType::f64; }

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
};

}  // namespace tandem::cpu
