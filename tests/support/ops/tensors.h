#pragma once
// Tensors from numbers and numbers from tensors, for tests with known answers.

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"
#include "tests/support/worst.h"

namespace tandem::test {

inline Tensor tensor(Backend& backend, DType dtype, const Shape& shape, const std::vector<double>& values) {
  return upload(backend, {shape, values}, dtype);
}
inline Tensor labels(Backend& backend, const std::vector<std::int32_t>& values) {
  Tensor x = backend.empty({static_cast<std::int64_t>(values.size())}, DType::i32);
  backend.copy_from_host(values.data(), x);
  return x;
}
inline std::vector<double> values_of(Backend& backend, const Tensor& x) { return download(backend, x).values; }

/// The largest absolute difference; NaN where there is one, or where the sizes differ.
inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::nan("");
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) include_worst(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// Calls body(backend, real dtype, tolerance) for the reference kernels in f64 and f32 and for the device under test in
/// f32.
template <class Body>
void for_each_backend(const Body& body) {
  const auto reference = make_reference_backend(), tested = make_test_backend();
  body(*reference, DType::f64, 1e-12);
  body(*reference, DType::f32, 1e-5);
  if (!tested) TANDEM_SKIP("no GPU");
  body(*tested, DType::f32, 1e-5);
}

}  // namespace tandem::test
