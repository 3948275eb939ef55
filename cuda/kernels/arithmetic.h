#pragma once
// Arithmetic on f32 matrices (R, C): the kernels "Arithmetic" of core/backend/kernels.h, the matrix product aside.

#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

enum class Unary { exp, log, sqrt, is_finite };
/// y (n) = op(x). y may be x.
void unary(const Queue& queue, Unary op, const float* x, std::int64_t n, float* y);
/// y (n) = factor * x + shift. y may be x.
void affine(const Queue& queue, float factor, float shift, const float* x, std::int64_t n, float* y);

enum class Binary { add, subtract, multiply, divide, equal, gate };
/// The operands of y's element (r, c) are a[r * a_row + c * a_column] and b[r * b_row + c * b_column].
struct PairShape {
  std::int64_t rows = 1, columns = 1;
  std::int64_t a_row = 0, a_column = 0, b_row = 0, b_column = 0;
};
/// y (R, C) = op(a, b). y may be a or b if that one has y's shape.
void binary(const Queue& queue, Binary op, const PairShape& shape, const float* a, const float* b, float* y);
/// y (R, C) = 1 where the labels are equal, otherwise 0.
void equal_labels(const Queue& queue, const PairShape& shape, const std::int32_t* a, const std::int32_t* b, float* y);

/// y (C) = the sum, or the largest, of each column of x (R, C).
void reduce_rows(const Queue& queue, bool largest, const float* x, std::int64_t rows, std::int64_t columns, float* y);
/// y (R) = the same of each row.
void reduce_columns(const Queue& queue, bool largest, const float* x, std::int64_t rows, std::int64_t columns,
                    float* y);

/// y (n, C) = rows index[i] of x (R, C).
void gather_rows(const Queue& queue, const float* x, const std::int32_t* index, std::int64_t n, std::int64_t columns,
                 float* y);
/// y (R, C): row r is the sum of the rows i of x (n, C) with index[i] = r, in the order of i. Every row of y looks
/// through the whole index: meant for n of a few thousand.
void scatter_add_rows(const Queue& queue, const float* x, const std::int32_t* index, std::int64_t n, std::int64_t rows,
                      std::int64_t columns, float* y);

}  // namespace tandem::cuda::kernels
