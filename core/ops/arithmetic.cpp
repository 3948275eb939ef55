#include "core/ops/arithmetic.h"

#include "core/ops/record.h"
#include "core/tensor/broadcast.h"

namespace tandem::ops {
namespace {

void check_real(const char* op, const Tensor& x) {
  require(is_real(x.dtype()), "{}: x {}, expected f32 or f64", op, x.dtype());
}

Tensor empty_like(Backend& backend, const Tensor& x) { return backend.empty(x.shape(), x.dtype()); }

/// The shape of op(a, b); Error where they do not fit.
Shape checked_shape(const char* op, const Tensor& a, const Tensor& b) {
  const std::optional<Shape> shape = broadcast_shape(a.shape(), b.shape());
  require(a.dtype() == b.dtype() && shape, "{}: {} {} and {} {}, expected one type and shapes that fit", op, a.dtype(),
          a.shape(), b.dtype(), b.shape());
  return *shape;
}

Tensor apply(Backend& backend, BinaryOp op, const Tensor& a, const Tensor& b) {
  Tensor y = backend.empty(broadcast_shape(a.shape(), b.shape()).value(), a.dtype());
  backend.binary(op, a, b, y);
  return y;
}

Tensor scaled(Backend& backend, const Tensor& x, double factor) {
  Tensor y = empty_like(backend, x);
  backend.affine(factor, 0, x, y);
  return y;
}

/// Adds a gradient of the output's shape to an operand's slot, summed over the dimensions that were repeated.
void add_summed(Backend& backend, GradientSlot& slot, Tensor gradient) {
  const Shape& shape = slot.shape();
  if (gradient.shape() != shape) {
    const auto sum_over = [&](Over over, const Shape& sums) {
      Tensor sum = backend.empty(sums, gradient.dtype());
      backend.reduce(ReduceOp::sum, over, gradient, sum);
      gradient = std::move(sum);
    };
    const MatrixSize wanted = matrix_size(shape);
    if (wanted.rows == 1 && wanted.columns == 1) {
      sum_over(Over::all, {1});
    } else {
      const MatrixSize size = matrix_size(gradient.shape());
      if (wanted.rows < size.rows) sum_over(Over::rows, {1, size.columns});
      if (wanted.columns < size.columns) sum_over(Over::columns, {wanted.rows, 1});
    }
    gradient = gradient.reshape(shape);
  }
  slot.add(backend, std::move(gradient));
}

/// An op of two operands. rule(dy, a, b, y) returns the gradient of one of them, in y's shape.
template <class RuleA, class RuleB>
Variable binary(Context& context, const char* name, BinaryOp op, const Variable& a, const Variable& b,
                const RuleA& rule_a, const RuleB& rule_b) {
  check_real(name, a.value());
  Backend& backend = context.backend;
  Tensor y = backend.empty(checked_shape(name, a.value(), b.value()), a.value().dtype());
  backend.binary(op, a.value(), b.value(), y);
  Variable output = make_output(context, y, {&a, &b});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, rule_a, rule_b, a = a.value(), b = b.value(), y = std::move(y),
                                  slot_a = a.slot(), slot_b = b.slot()](const Tensor& dy) {
      if (slot_a) add_summed(backend, *slot_a, rule_a(backend, dy, a, b, y));
      if (slot_b) add_summed(backend, *slot_b, rule_b(backend, dy, a, b, y));
    });
  return output;
}

/// An op of one operand. rule(dy, x, y) returns its gradient.
template <class Rule>
Variable unary(Context& context, const char* name, UnaryOp op, const Variable& x, const Rule& rule) {
  check_real(name, x.value());
  Backend& backend = context.backend;
  Tensor y = empty_like(backend, x.value());
  backend.unary(op, x.value(), y);
  Variable output = make_output(context, y, {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, rule, x = x.value(), y = std::move(y), slot = x.slot()](const Tensor& dy) {
      slot->add(backend, rule(backend, dy, x, y));
    });
  return output;
}

Shape reduced_shape(const char* op, const Variable& x, Over over) {
  check_real(op, x.value());
  require(x.shape().rank() <= 2 && x.shape().size() > 0, "{}: x {}, expected one or two dimensions", op, x.shape());
  const MatrixSize size = matrix_size(x.shape());
  if (over == Over::all) return {1};
  return over == Over::rows ? Shape{1, size.columns} : Shape{size.rows, 1};
}

/// factor * the sum.
Variable scaled_sum(Context& context, const char* op, const Variable& x, Over over, double factor) {
  Backend& backend = context.backend;
  Tensor y = backend.empty(reduced_shape(op, x, over), x.value().dtype());
  backend.reduce(ReduceOp::sum, over, x.value(), y);
  if (factor != 1) backend.affine(factor, 0, y, y);
  Variable output = make_output(context, std::move(y), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, factor, slot = x.slot()](const Tensor& dy) {
      // dy in every place that was summed: zeros plus dy, repeated.
      Tensor dx = backend.empty(slot->shape(), slot->dtype());
      backend.fill(dx, 0);
      const Shape matrix = slot->shape().rank() < 2 ? Shape{1, slot->shape().size()} : slot->shape();
      Tensor view = dx.reshape(matrix);
      backend.binary(BinaryOp::add, view, factor == 1 ? dy : scaled(backend, dy, factor), view);
      view = Tensor();
      slot->add(backend, std::move(dx));
    });
  return output;
}

}  // namespace

Variable add(Context& context, const Variable& a, const Variable& b) {
  const Shape shape = checked_shape("add", a.value(), b.value());
  Backend& backend = context.backend;
  Tensor y = backend.empty(shape, a.value().dtype());
  if (a.shape() == b.shape()) {
    backend.add(a.value(), b.value(), y);
  } else {
    check_real("add", a.value());
    backend.binary(BinaryOp::add, a.value(), b.value(), y);
  }
  Variable output = make_output(context, std::move(y), {&a, &b});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, slot_a = a.slot(), slot_b = b.slot()](Tensor dy) {
      if (slot_a) add_summed(backend, *slot_a, dy);
      if (slot_b) add_summed(backend, *slot_b, std::move(dy));
    });
  return output;
}

Variable sub(Context& context, const Variable& a, const Variable& b) {
  return binary(
      context, "sub", BinaryOp::subtract, a, b,
      [](Backend&, const Tensor& dy, const Tensor&, const Tensor&, const Tensor&) { return dy; },
      [](Backend& backend, const Tensor& dy, const Tensor&, const Tensor&, const Tensor&) {
        return scaled(backend, dy, -1);
      });
}

Variable mul(Context& context, const Variable& a, const Variable& b) {
  return binary(
      context, "mul", BinaryOp::multiply, a, b,
      [](Backend& backend, const Tensor& dy, const Tensor&, const Tensor& b_value, const Tensor&) {
        return apply(backend, BinaryOp::multiply, dy, b_value);
      },
      [](Backend& backend, const Tensor& dy, const Tensor& a_value, const Tensor&, const Tensor&) {
        return apply(backend, BinaryOp::multiply, dy, a_value);
      });
}

Variable div(Context& context, const Variable& a, const Variable& b) {
  return binary(
      context, "div", BinaryOp::divide, a, b,
      [](Backend& backend, const Tensor& dy, const Tensor&, const Tensor& b_value, const Tensor&) {
        return apply(backend, BinaryOp::divide, dy, b_value);
      },
      [](Backend& backend, const Tensor& dy, const Tensor&, const Tensor& b_value, const Tensor& y) {
        const Tensor product = apply(backend, BinaryOp::multiply, dy, y);
        return scaled(backend, apply(backend, BinaryOp::divide, product, b_value), -1);
      });
}

Variable affine(Context& context, const Variable& x, double factor, double shift) {
  check_real("affine", x.value());
  Backend& backend = context.backend;
  Tensor y = empty_like(backend, x.value());
  backend.affine(factor, shift, x.value(), y);
  Variable output = make_output(context, std::move(y), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, factor, slot = x.slot()](const Tensor& dy) {
      slot->add(backend, scaled(backend, dy, factor));
    });
  return output;
}

Variable exp(Context& context, const Variable& x) {
  return unary(context, "exp", UnaryOp::exp, x, [](Backend& backend, const Tensor& dy, const Tensor&, const Tensor& y) {
    return apply(backend, BinaryOp::multiply, dy, y);
  });
}

Variable log(Context& context, const Variable& x) {
  return unary(context, "log", UnaryOp::log, x,
               [](Backend& backend, const Tensor& dy, const Tensor& x_value, const Tensor&) {
                 return apply(backend, BinaryOp::divide, dy, x_value);
               });
}

Variable sqrt(Context& context, const Variable& x, double guard) {
  return unary(context, "sqrt", UnaryOp::sqrt, x,
               [guard](Backend& backend, const Tensor& dy, const Tensor&, const Tensor& y) {
                 Tensor guarded = empty_like(backend, y);
                 backend.affine(2, 2 * guard, y, guarded);
                 return apply(backend, BinaryOp::divide, dy, guarded);
               });
}

Variable sum(Context& context, const Variable& x, Over over) { return scaled_sum(context, "sum", x, over, 1); }

Variable mean(Context& context, const Variable& x, Over over) {
  const std::int64_t kept = reduced_shape("mean", x, over).size();
  return scaled_sum(context, "mean", x, over, static_cast<double>(kept) / static_cast<double>(x.shape().size()));
}

Variable max(Context& context, const Variable& x, Over over) {
  Backend& backend = context.backend;
  Tensor y = backend.empty(reduced_shape("max", x, over), x.value().dtype());
  backend.reduce(ReduceOp::max, over, x.value(), y);
  Variable output = make_output(context, y, {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, over, x = x.value(), y = std::move(y), slot = x.slot()](const Tensor& dy) {
      const Tensor largest = apply(backend, BinaryOp::equal, x, y);
      Tensor count = empty_like(backend, y);
      backend.reduce(ReduceOp::sum, over, largest, count);
      const Tensor share = apply(backend, BinaryOp::divide, dy, count);
      slot->add(backend, apply(backend, BinaryOp::multiply, largest, share).reshape(slot->shape()));
    });
  return output;
}

Variable matmul(Context& context, const Variable& a, const Variable& b, bool transpose_a, bool transpose_b) {
  check_real("matmul", a.value());
  const Shape &of_a = a.shape(), &of_b = b.shape();
  require(of_a.rank() == 2 && of_b.rank() == 2 && a.value().dtype() == b.value().dtype() && of_a.size() > 0 &&
              of_b.size() > 0 && of_a[transpose_a ? 0 : 1] == of_b[transpose_b ? 1 : 0],
          "matmul: {} {}{} and {} {}{}, expected (M, K) and (K, N)", a.value().dtype(), of_a, transpose_a ? "'" : "",
          b.value().dtype(), of_b, transpose_b ? "'" : "");
  Backend& backend = context.backend;
  Tensor y = backend.empty({of_a[transpose_a ? 1 : 0], of_b[transpose_b ? 0 : 1]}, a.value().dtype());
  backend.matmul(a.value(), transpose_a, b.value(), transpose_b, y);
  Variable output = make_output(context, std::move(y), {&a, &b});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, transpose_a, transpose_b, a = a.value(), b = b.value(), slot_a = a.slot(),
                                  slot_b = b.slot()](const Tensor& dy) {
      if (slot_a) {
        Tensor da = empty_like(backend, a);
        if (transpose_a)
          backend.matmul(b, transpose_b, dy, true, da);
        else
          backend.matmul(dy, false, b, !transpose_b, da);
        slot_a->add(backend, std::move(da));
      }
      if (slot_b) {
        Tensor db = empty_like(backend, b);
        if (transpose_b)
          backend.matmul(dy, true, a, transpose_a, db);
        else
          backend.matmul(a, !transpose_a, dy, false, db);
        slot_b->add(backend, std::move(db));
      }
    });
  return output;
}

Variable gather_rows(Context& context, const Variable& x, const Tensor& index) {
  check_real("gather_rows", x.value());
  require(x.shape().rank() == 2 && index.shape().rank() == 1 && index.dtype() == DType::i32,
          "gather_rows: x {}, index {} {}, expected (R, C) and i32 (n)", x.shape(), index.dtype(), index.shape());
  Backend& backend = context.backend;
  Tensor y = backend.empty({index.dim(0), x.shape()[1]}, x.value().dtype());
  backend.gather_rows(x.value(), index, y);
  Variable output = make_output(context, std::move(y), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, index, slot = x.slot()](const Tensor& dy) {
      Tensor dx = backend.empty(slot->shape(), slot->dtype());
      backend.scatter_add_rows(dy, index, dx);
      slot->add(backend, std::move(dx));
    });
  return output;
}

Variable reshape(Context& context, const Variable& x, const Shape& shape) {
  Variable output = make_output(context, x.value().reshape(shape), {&x});
  if (output.wants_gradient())
    context.tape->record(output, [&backend = context.backend, slot = x.slot()](const Tensor& dy) {
      slot->add(backend, dy.reshape(slot->shape()));
    });
  return output;
}

Variable l2_normalise(Context& context, const Variable& x, double eps) {
  require(x.shape().rank() == 2, "l2_normalise: x {}, expected (R, C)", x.shape());
  const Variable length = sqrt(context, sum(context, mul(context, x, x), Over::columns), eps);
  return div(context, x, affine(context, length, 1, eps));
}

Tensor equal(Context& context, const Tensor& a, const Tensor& b, DType real) {
  require(a.dtype() == DType::i32, "equal: labels {}, expected i32", a.dtype());
  Tensor y = context.backend.empty(checked_shape("equal", a, b), real);
  context.backend.binary(BinaryOp::equal, a, b, y);
  return y;
}

}  // namespace tandem::ops
