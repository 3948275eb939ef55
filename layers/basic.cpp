#include "layers/basic.h"

namespace tandem {

Conv2d::Conv2d(Backend& backend, DType real, std::int64_t in, std::int64_t out, std::int64_t window,
               std::int64_t stride)
    : geometry_{stride, window / 2} {
  add_parameter("weight", weight_, backend, {out, window, window, in}, real);
}

BatchNorm2d::BatchNorm2d(Backend& backend, DType real, std::int64_t channels) {
  add_parameter("weight", parameters_.gamma, backend, {channels}, real);
  add_parameter("bias", parameters_.beta, backend, {channels}, real);
  add_buffer("running_mean", parameters_.running_mean, backend, {channels}, real);
  add_buffer("running_var", parameters_.running_var, backend, {channels}, real);
}

Variable ConvNorm::forward(Context& context, const Variable& x, ops::Activation activation, Variable residual) {
  if (folded_) return ops::conv2d_folded(context, x, *folded_, conv.geometry(), activation, std::move(residual));
  return norm.forward(context, conv.forward(context, x), activation, residual);
}

Linear::Linear(Backend& backend, DType real, std::int64_t in, std::int64_t out) {
  add_parameter("weight", weight_, backend, {out, in}, real);
  add_parameter("bias", bias_, backend, {out}, real);
}

}  // namespace tandem
