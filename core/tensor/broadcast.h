#pragma once
// How operands of different shapes are combined element by element.
//
// Both operands are matrices; a tensor (n) counts as (1, n). A dimension of 1 is repeated to the other operand's
// length, as in NumPy: with (N, D), a tensor (D) or (1, D) is used for every row, (N, 1) for every column, (1) for
// every element. (N, 1) and (D) give (N, D). Operands of the same shape may have any rank.

#include <cstdint>
#include <optional>

#include "core/tensor/shape.h"

namespace tandem {

/// The shape of the result, of one dimension if both have at most one; nothing where the shapes do not fit.
std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b);

/// Where the operands of element (r, c) of the result are: a's at r * a.row + c * a.column, b's likewise.
struct Broadcast {
  struct Strides {
    std::int64_t row = 0, column = 0;
  };
  std::int64_t rows = 1, columns = 1;
  Strides a, b;

  /// Error where the shapes do not fit.
  Broadcast(const Shape& shape_a, const Shape& shape_b);
};

/// Rows and columns of a shape of at most two dimensions.
struct MatrixSize {
  std::int64_t rows = 1, columns = 1;
};
MatrixSize matrix_size(const Shape& shape);

}  // namespace tandem
