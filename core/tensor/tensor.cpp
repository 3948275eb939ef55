#include "core/tensor/tensor.h"

namespace tandem {

Tensor Tensor::reshape(const Shape& shape) const {
  require(shape.size() == size(), "reshape: {} to {}", shape_, shape);
  Tensor other = *this;
  other.shape_ = shape;
  return other;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  require(0 <= begin && begin <= end && end <= dim(0), "rows: [{}, {}) of {}", begin, end, shape_);
  Tensor other = *this;
  other.shape_ = shape_.with_rows(end - begin);
  const std::int64_t row = dim(0) == 0 ? 0 : size() / dim(0);
  other.offset_ += static_cast<std::size_t>(begin * row) * size_of(dtype_);
  return other;
}

}  // namespace tandem
