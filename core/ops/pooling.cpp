#include "core/ops/record.h"

namespace tandem::ops {

Variable max_pool(Context& context, const Variable& x, const Pool2dGeometry& geometry) {
  const Shape& in = x.shape();
  require(in.rank() == 4, "max_pool: x {}, expected (N, H, W, C)", in);
  require(geometry.padding < geometry.window && geometry.window <= 15, "max_pool: window {} with padding {}",
          geometry.window, geometry.padding);
  require(!geometry.ceil || (geometry.padding == 0 && geometry.stride <= geometry.window),
          "max_pool: a window over the end needs padding 0, not {}, and stride {} no larger than the window",
          geometry.padding, geometry.stride);
  const Shape out{in[0], geometry.output(in[1]), geometry.output(in[2]), in[3]};
  require(out[1] > 0 && out[2] > 0, "max_pool: x {} is smaller than the window {}", in, geometry.window);
  Backend& backend = context.backend;
  Tensor y = backend.empty(out, x.value().dtype());
  Tensor argmax = backend.empty(out, DType::u8);
  backend.max_pool_forward(geometry, x.value(), y, argmax);
  Variable output = make_output(context, std::move(y), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, geometry, argmax = std::move(argmax), slot = x.slot()](const Tensor& dy) {
      Tensor dx = backend.empty(slot->shape(), slot->dtype());
      backend.max_pool_backward(geometry, dy, argmax, dx);
      slot->add(backend, std::move(dx));
    });
  return output;
}

Variable average_pool(Context& context, const Variable& x, std::int64_t side) {
  const Shape& in = x.shape();
  require(in.rank() == 4 && side > 0, "average_pool: x {} in squares of {}, expected (N, H, W, C) and a side from 1",
          in, side);
  Backend& backend = context.backend;
  const auto squares = [side](std::int64_t length) { return (length + side - 1) / side; };
  Tensor y = backend.empty({in[0], squares(in[1]), squares(in[2]), in[3]}, x.value().dtype());
  backend.average_squares_forward(side, x.value(), y);
  Variable output = make_output(context, std::move(y), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, side, slot = x.slot()](const Tensor& dy) {
      Tensor dx = backend.empty(slot->shape(), slot->dtype());
      backend.average_squares_backward(side, dy, dx);
      slot->add(backend, std::move(dx));
    });
  return output;
}

Variable global_average_pool(Context& context, const Variable& x) {
  const Shape& in = x.shape();
  require(in.rank() == 4, "global_average_pool: x {}, expected (N, H, W, C)", in);
  Backend& backend = context.backend;
  Tensor y = backend.empty({in[0], in[3]}, param_dtype(x.value().dtype()));
  backend.average_pool_forward(x.value(), y);
  Variable output = make_output(context, std::move(y), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, slot = x.slot()](const Tensor& dy) {
      Tensor dx = backend.empty(slot->shape(), slot->dtype());
      backend.average_pool_backward(dy, dx);
      slot->add(backend, std::move(dx));
    });
  return output;
}

}  // namespace tandem::ops
