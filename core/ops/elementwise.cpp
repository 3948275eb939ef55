#include "core/ops/record.h"

namespace tandem::ops {
namespace {

/// A type that is not real is multiplied in f32.
Tensor scaled(Backend& backend, const Tensor& x, const Tensor& factors) {
  const Shape matrix{x.dim(0), x.size() / x.dim(0)}, column{x.dim(0), 1};
  const bool narrow = !is_real(x.dtype());
  Tensor wide = narrow ? backend.empty(matrix, DType::f32) : x.reshape(matrix);
  if (narrow) backend.cast(x.reshape(matrix), wide);
  Tensor y = narrow ? wide : backend.empty(matrix, x.dtype());
  backend.binary(BinaryOp::multiply, wide, factors.reshape(column), y);
  if (!narrow) return y.reshape(x.shape());
  Tensor rounded = backend.empty(x.shape(), x.dtype());
  backend.cast(y.reshape(x.shape()), rounded);
  return rounded;
}

}  // namespace

Variable relu(Context& context, const Variable& x) {
  Backend& backend = context.backend;
  Tensor y = backend.empty(x.shape(), x.value().dtype());
  backend.relu_forward(x.value(), y);
  Variable output = make_output(context, y, {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, y = std::move(y), slot = x.slot()](Tensor dy) {
      Tensor dx = dy.unique() ? dy : backend.empty(dy.shape(), dy.dtype());
      backend.relu_backward(y, dy, dx);
      dy = Tensor();
      slot->add(backend, std::move(dx));
    });
  return output;
}

Variable scale_images(Context& context, const Variable& x, const Tensor& factors) {
  require(x.shape().rank() > 0 && x.shape().size() > 0 && factors.shape() == Shape{x.shape()[0]},
          "scale_images: x {}, factors {}, expected (N, ...) and (N)", x.shape(), factors.shape());
  require(factors.dtype() == param_dtype(x.value().dtype()), "scale_images: factors {} for x {}, expected {}",
          factors.dtype(), x.value().dtype(), param_dtype(x.value().dtype()));
  Backend& backend = context.backend;
  Variable output = make_output(context, scaled(backend, x.value(), factors), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, factors, slot = x.slot()](const Tensor& dy) {
      slot->add(backend, scaled(backend, dy, factors));
    });
  return output;
}

Variable rows(Context& context, const Variable& x, std::int64_t begin, std::int64_t end) {
  Backend& backend = context.backend;
  Variable output = make_output(context, x.value().rows(begin, end), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, begin, end, slot = x.slot()](const Tensor& dy) {
      Tensor dx = backend.empty(slot->shape(), slot->dtype());
      backend.fill(dx, 0.0);
      Tensor part = dx.rows(begin, end);
      backend.copy(dy, part);
      part = Tensor();
      slot->add(backend, std::move(dx));
    });
  return output;
}

Variable weighted_sum(Context& context, const std::vector<Variable>& terms, const Tensor& weights) {
  const auto n = static_cast<std::int64_t>(terms.size());
  require(n > 0 && weights.shape() == Shape{n}, "weighted_sum: {} terms, weights of shape {}", n, weights.shape());
  Backend& backend = context.backend;
  std::vector<Tensor> values;
  values.reserve(terms.size());
  bool wanted = false;
  for (const Variable& term : terms) {
    require(term.shape() == Shape{1} && term.value().dtype() == weights.dtype(),
            "weighted_sum: a term {} {}, expected {} (1)", term.value().dtype(), term.shape(), weights.dtype());
    values.push_back(term.value());
    wanted = wanted || term.wants_gradient();
  }
  Tensor sum = backend.empty({1}, weights.dtype());
  backend.weighted_sum(values, weights, sum);
  if (!context.tape || !wanted) return sum;
  Variable output = Variable::with_gradient(std::move(sum));
  std::vector<std::shared_ptr<GradientSlot>> slots;
  slots.reserve(terms.size());
  for (const Variable& term : terms) slots.push_back(term.slot());
  context.tape->record(output, [&backend, weights, slots = std::move(slots)](const Tensor& dy) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (!slots[i]) continue;
      const auto row = static_cast<std::int64_t>(i);
      Tensor dterm = backend.empty({1}, dy.dtype());
      backend.binary(BinaryOp::multiply, dy, weights.rows(row, row + 1), dterm);
      slots[i]->add(backend, std::move(dterm));
    }
  });
  return output;
}

}  // namespace tandem::ops
