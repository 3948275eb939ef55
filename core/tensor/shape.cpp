#include "core/tensor/shape.h"

#include <algorithm>

#include "core/base/error.h"

namespace tandem {

Shape::Shape(std::initializer_list<std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  require(rank_ <= kMaxRank, "shape: {} dimensions, at most {} expected", rank_, kMaxRank);
  std::copy(dims.begin(), dims.end(), dims_.begin());
  for (int i = 0; i < rank_; ++i) require((*this)[i] >= 0, "shape: dimension {} is {}", i, (*this)[i]);
}

std::int64_t Shape::size() const {
  std::int64_t n = 1;
  for (int i = 0; i < rank_; ++i) n *= (*this)[i];
  return n;
}

Shape Shape::with_rows(std::int64_t rows) const {
  Shape other = *this;
  other.dims_[0] = rows;
  return other;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (int i = 0; i < shape.rank(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

}  // namespace tandem
