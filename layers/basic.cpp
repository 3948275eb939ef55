#include "layers/basic.h"

#include <cmath>

namespace tandem {

Conv2d::Conv2d(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window,
               std::int64_t stride, std::int64_t groups)
    : geometry_{stride, window / 2, groups} {
  require(groups > 0 && in % groups == 0 && out % groups == 0,
          "convolution: {} groups of {} channels and {} filters, expected a divisor of both", groups, in, out);
  add_parameter("weight", weight_, backend, {out, window, window, in / groups}, real,
                Initial::normal(std::sqrt(2.0 / static_cast<double>(out * window * window))));
}

BatchNorm2d::BatchNorm2d(Backend& backend, DType real, std::int64_t channels, double weight) {
  add_parameter("weight", parameters_.gamma, backend, {channels}, real, Initial::constant(weight));
  add_parameter("bias", parameters_.beta, backend, {channels}, real, Initial::constant(0));
  add_buffer("running_mean", parameters_.running_mean, backend, {channels}, real, Initial::constant(0));
  add_buffer("running_var", parameters_.running_var, backend, {channels}, real, Initial::constant(1));
}

bool ConvNorm::is_frozen(const Variable& x, const Variable& residual) const {
  return !conv.is_trained() && !norm.is_trained() && norm.parameters().fixed_statistics && !x.wants_gradient() &&
         !residual.wants_gradient();
}

Variable ConvNorm::forward(Context& context, const Variable& x, ops::Activation activation, Variable residual) {
  if (folded_) return ops::conv2d_folded(context, x, *folded_, conv.geometry(), activation, std::move(residual));
  if (context.training && is_frozen(x, residual)) {
    // Folded anew in each step, since weights may be loaded at any time; that is little beside the convolution.
    Context inference{context.backend, context.compute};
    return ops::conv2d_folded(inference, x, ops::fold(context.backend, conv.weight(), norm.parameters()),
                              conv.geometry(), activation, std::move(residual));
  }
  return norm.forward(context, conv.forward(context, x), activation, residual);
}

Linear::Linear(Backend& backend, DType real, std::int64_t in, std::int64_t out) {
  const Initial initial = Initial::uniform(1 / std::sqrt(static_cast<double>(in)));
  add_parameter("weight", weight_, backend, {out, in}, real, initial);
  add_parameter("bias", bias_, backend, {out}, real, initial);
}

}  // namespace tandem
