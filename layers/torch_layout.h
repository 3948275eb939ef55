#pragma once
// Tandem keeps a convolution's weight as (K, R, S, C); PyTorch, its files and its formulas as (K, C, R, S). Every other
// tensor is the same in both.

#include <cstdint>
#include <vector>

#include "core/tensor/shape.h"

namespace tandem {

/// The shape that PyTorch gives a tensor of Tandem's shape.
inline std::vector<std::int64_t> torch_shape(const Shape& shape) {
  if (shape.rank() == 4) return {shape[0], shape[3], shape[1], shape[2]};
  std::vector<std::int64_t> dims(static_cast<std::size_t>(shape.rank()));
  for (int i = 0; i < shape.rank(); ++i) dims[static_cast<std::size_t>(i)] = shape[i];
  return dims;
}

/// Calls body(index in Tandem's order, index in PyTorch's order) for every element.
template <class Body>
void for_torch_order(const Shape& shape, const Body& body) {
  if (shape.rank() != 4) {
    for (std::int64_t i = 0; i < shape.size(); ++i) body(i, i);
    return;
  }
  const std::int64_t area = shape[1] * shape[2], channels = shape[3];
  for (std::int64_t k = 0; k < shape[0]; ++k)
    for (std::int64_t at = 0; at < area; ++at)
      for (std::int64_t c = 0; c < channels; ++c) body((k * area + at) * channels + c, (k * channels + c) * area + at);
}

}  // namespace tandem
