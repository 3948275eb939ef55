#pragma once
// Differentiable arithmetic on real tensors, f32 or f64: what a loss on embeddings is composed of, without a kernel of
// its own.
//
// Operands of different shapes are repeated as core/tensor/broadcast.h says: with (N, D), a tensor (D) or (1, D) is
// used for every row, (N, 1) for every column, (1) for every element. Their gradients are summed over the repetitions.
// Sums are taken in a fixed order, so that the same inputs give the same bits. Bad arguments throw Error: op, got,
// expected.

#include "core/autograd/context.h"

namespace tandem::ops {

Variable sub(Context& context, const Variable& a, const Variable& b);
Variable mul(Context& context, const Variable& a, const Variable& b);
Variable div(Context& context, const Variable& a, const Variable& b);
/// factor * x + shift.
Variable affine(Context& context, const Variable& x, double factor, double shift);
inline Variable scale(Context& context, const Variable& x, double factor) { return affine(context, x, factor, 0); }

Variable exp(Context& context, const Variable& x);
Variable log(Context& context, const Variable& x);
/// The gradient is dx = dy / (2 (sqrt(x) + guard)), finite at x = 0.
Variable sqrt(Context& context, const Variable& x, double guard = 1e-12);

/// x (R, C) to (1, C), (R, 1) or (1).
Variable sum(Context& context, const Variable& x, Over over);
Variable mean(Context& context, const Variable& x, Over over);
/// The same for the largest element. Where several are the largest, each has an equal share of the gradient.
Variable max(Context& context, const Variable& x, Over over);

/// a b: (M, K) and (K, N) to (M, N). With transpose_a, a is (K, M), and its transpose is taken; likewise b.
Variable matmul(Context& context, const Variable& a, const Variable& b, bool transpose_a = false,
                bool transpose_b = false);
/// Rows index[0], index[1], ... of x (R, C), as (n, C); index (n) i32, each in [0, R).
Variable gather_rows(Context& context, const Variable& x, const Tensor& index);
/// The same elements under another shape of the same size.
Variable reshape(Context& context, const Variable& x, const Shape& shape);
/// x / (|x| + eps) for each row of x (R, C).
Variable l2_normalise(Context& context, const Variable& x, double eps = 1e-12);

/// 1 where a and b are equal, otherwise 0, of type `real`; a and b are labels, i32. No gradient.
Tensor equal(Context& context, const Tensor& a, const Tensor& b, DType real);

}  // namespace tandem::ops
