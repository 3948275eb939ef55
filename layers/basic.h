#pragma once
// The layers that backbones are made of. Their parameters are named and drawn as PyTorch and torchvision do it; their
// content is undefined until initialise() or a checkpoint fills it. `real` is the parameters' type, f32 or f64.

#include <optional>

#include "layers/module.h"

namespace tandem {

/// weight (K, R, R, C / G), no bias, in G groups (core/ops/ops.h). Drawn normal, deviation sqrt(2 / (K R R)): He et al.
/// 2015, fan-out, for ReLU.
class Conv2d : public Module {
 public:
  /// Error for groups that do not divide `in` and `out`.
  Conv2d(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window, std::int64_t stride = 1,
         std::int64_t groups = 1);
  /// x (N, H, W, C) T to (N, H', W', K) T, padded by half the window.
  Variable forward(Context& context, const Variable& x) { return ops::conv2d(context, x, weight_, geometry_); }
  const Tensor& weight() const { return weight_.value(); }
  bool is_trained() const { return weight_.wants_gradient(); }
  const Conv2dGeometry& geometry() const { return geometry_; }

 private:
  Conv2dGeometry geometry_;
  Variable weight_;
};

/// weight, bias, running_mean, running_var (C), which begin as 1, 0, 0 and 1.
class BatchNorm2d : public Module {
 public:
  /// `weight`: what the scale begins as. 0 at the end of a residual branch makes the block begin as its shortcut.
  BatchNorm2d(Backend& backend, DType real, std::int64_t channels, double weight = 1);
  /// activation(batch_norm(x) + residual): core/ops/ops.h.
  Variable forward(Context& context, const Variable& x, ops::Activation activation, const Variable& residual = {}) {
    return ops::batch_norm(context, x, parameters_, activation, residual);
  }
  const ops::BatchNormParameters& parameters() const { return parameters_; }
  bool is_trained() const { return parameters_.gamma.wants_gradient() || parameters_.beta.wants_gradient(); }
  /// With fixed statistics the running ones are used in training too, and do not change.
  void fix_statistics(bool fixed) { parameters_.fixed_statistics = fixed; }

 private:
  ops::BatchNormParameters parameters_;
};

/// A convolution with the batch norm behind it. Not a module: its two parts have names of their own.
struct ConvNorm {
  Conv2d conv;
  BatchNorm2d norm;

  /// `weight`: what the batch norm's scale begins as.
  ConvNorm(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window, std::int64_t stride,
           double weight = 1, std::int64_t groups = 1)
      : conv(backend, real, in, out, window, stride, groups), norm(backend, real, out, weight) {}
  /// activation(batch_norm(conv(x)) + residual). In training too, what is frozen and has nothing trained below it runs
  /// as one folded convolution, which keeps nothing for a gradient.
  Variable forward(Context& context, const Variable& x, ops::Activation activation, Variable residual = {});
  /// Until unfold(), forward() runs one folded convolution with the statistics and weights of this moment.
  void fold(Backend& backend) { folded_ = ops::fold(backend, conv.weight(), norm.parameters()); }
  void unfold() { folded_.reset(); }

 private:
  bool is_frozen(const Variable& x, const Variable& residual) const;

  std::optional<ops::FoldedConvolution> folded_;
};

/// weight (K, C), bias (K), both drawn uniform in [-1 / sqrt(C), 1 / sqrt(C)].
class Linear : public Module {
 public:
  Linear(Backend& backend, DType real, std::int64_t in, std::int64_t out);
  /// x (N, C) to (N, K).
  Variable forward(Context& context, const Variable& x) { return ops::linear(context, x, weight_, bias_); }

 private:
  Variable weight_, bias_;
};

}  // namespace tandem
