#include "core/tensor/broadcast.h"

#include <algorithm>

#include "core/base/error.h"

namespace tandem {
namespace {

std::optional<std::int64_t> common(std::int64_t a, std::int64_t b) {
  if (a != b && a != 1 && b != 1) return std::nullopt;
  return a == 1 ? b : a;
}

Broadcast::Strides strides_of(const MatrixSize& size) {
  return {size.rows == 1 ? 0 : size.columns, size.columns == 1 ? 0 : 1};
}

}  // namespace

MatrixSize matrix_size(const Shape& shape) {
  require(shape.rank() <= 2, "shape {}, expected at most two dimensions", shape);
  if (shape.rank() == 2) return {shape[0], shape[1]};
  return {1, shape.size()};
}

std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  if (a == b) return a;
  if (a.rank() > 2 || b.rank() > 2) return std::nullopt;
  const MatrixSize size_a = matrix_size(a), size_b = matrix_size(b);
  const auto rows = common(size_a.rows, size_b.rows), columns = common(size_a.columns, size_b.columns);
  if (!rows || !columns) return std::nullopt;
  if (std::max(a.rank(), b.rank()) < 2) return Shape{*columns};
  return Shape{*rows, *columns};
}

Broadcast::Broadcast(const Shape& shape_a, const Shape& shape_b) {
  if (shape_a == shape_b) {
    columns = shape_a.size();
    a = b = {0, 1};
    return;
  }
  const std::optional<Shape> shape = broadcast_shape(shape_a, shape_b);
  require(shape.has_value(), "shapes {} and {}, expected such that one is repeated along the other", shape_a, shape_b);
  const MatrixSize size = matrix_size(*shape);
  rows = size.rows;
  columns = size.columns;
  a = strides_of(matrix_size(shape_a));
  b = strides_of(matrix_size(shape_b));
}

}  // namespace tandem
