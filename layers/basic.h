#pragma once
// The layers a ResNet is made of. Their parameters are named as PyTorch names them; their content is undefined until
// layers/initialise.h or a checkpoint fills it. `real` is the parameters' type, f32 or f64.

#include "layers/module.h"

namespace tandem {

/// weight (K, R, R, C), no bias.
class Conv2d : public Module {
 public:
  Conv2d(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window, std::int64_t stride = 1);
  /// x (N, H, W, C) T to (N, H', W', K) T, padded by half the window.
  Variable forward(Context& context, const Variable& x) { return ops::conv2d(context, x, weight_, geometry_); }

 private:
  Conv2dGeometry geometry_;
  Variable weight_;
};

/// weight, bias, running_mean, running_var (C).
class BatchNorm2d : public Module {
 public:
  BatchNorm2d(Backend& backend, DType real, std::int64_t channels);
  /// activation(batch_norm(x) + residual): core/ops.h.
  Variable forward(Context& context, const Variable& x, ops::Activation activation, const Variable& residual = {}) {
    return ops::batch_norm(context, x, parameters_, activation, residual);
  }
  /// The scale, gamma (C).
  Tensor& weight() { return parameters_.gamma.value(); }

 private:
  ops::BatchNormParameters parameters_;
};

/// weight (K, C), bias (K).
class Linear : public Module {
 public:
  Linear(Backend& backend, DType real, std::int64_t in, std::int64_t out);
  /// x (N, C) to (N, K).
  Variable forward(Context& context, const Variable& x) { return ops::linear(context, x, weight_, bias_); }

 private:
  Variable weight_, bias_;
};

}  // namespace tandem
