#pragma once
// Tensors for tests: random ones, labels, and how far one is from another.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/backend/host_copy.h"
#include "core/base/rng.h"
#include "layers/initialise.h"

namespace tandem::test {

/// Standard normal numbers of an f32's precision, as a tensor of `dtype`: f32, bf16 or f64.
inline Tensor random_tensor(Backend& backend, const Shape& shape, DType dtype, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  Random random(seed, RandomPurpose::test);
  for (float& v : values) v = random.normal();
  Tensor exact = backend.empty(shape, param_dtype(dtype));
  upload(backend, values, exact);
  if (exact.dtype() == dtype) return exact;
  Tensor converted = backend.empty(shape, dtype);
  backend.cast(exact, converted);
  return converted;
}

inline Tensor label_tensor(Backend& backend, const std::vector<std::int32_t>& labels) {
  Tensor tensor = backend.empty({static_cast<std::int64_t>(labels.size())}, DType::i32);
  backend.copy_from_host(labels.data(), tensor);
  return tensor;
}

inline double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum);
}

/// |got - want| relative to |want|, or to 1e-3 where that is larger: some gradients are zero but for rounding.
inline double deviation(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return INFINITY;
  std::vector<double> difference(got.size());
  std::transform(got.begin(), got.end(), want.begin(), difference.begin(), std::minus<>());
  return norm(difference) / std::max(norm(want), 1e-3);
}

inline bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

}  // namespace tandem::test
