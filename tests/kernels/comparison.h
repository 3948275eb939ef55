#pragma once
// What the kernels' tests share: random cases, the reference backend's results, and how far from them is right.

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/backend/backend.h"
#include "core/base/rng.h"
#include "tests/kernels/arrays.h"

namespace tandem::test {

inline constexpr Element kElements[] = {Element::f32, Element::bf16, Element::f16};

/// Relative to the norm: the rounding of each element of the result, and of f32 a few roundings on the way.
inline double tolerance(Element element) {
  return element == Element::f32 ? 2e-6 : element == Element::bf16 ? 8e-3 : 1e-3;
}

/// Draws a case.
class Draws {
 public:
  Draws(std::uint32_t sequence, std::uint32_t round) : random_(7, RandomPurpose::test, 0, sequence, round) {}

  std::int64_t pick(std::initializer_list<std::int64_t> choices) {
    return choices.begin()[random_.below(static_cast<std::uint32_t>(choices.size()))];
  }
  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }
  std::int64_t below(std::int64_t n) { return random_.below(static_cast<std::uint32_t>(n)); }
  /// A shift of an array: mostly none, so that accesses are 16 bytes wide.
  std::int64_t shift() { return one_in(3) ? 1 : 0; }
  /// The number of multiprocessors decides how kernels cut their work.
  cuda::kernels::Queue queue() { return {nullptr, static_cast<int>(pick({1, 2, 5, 17, 132}))}; }
  float normal() { return random_.normal(); }
  Floats normals(std::int64_t size, Element element = Element::f32, float mean = 0, float deviation = 1) {
    Floats values(static_cast<std::size_t>(size));
    for (float& value : values) value = rounded(element, mean + deviation * normal());
    return values;
  }
  std::vector<std::uint8_t> bytes(std::int64_t size) {
    std::vector<std::uint8_t> values(static_cast<std::size_t>(size));
    for (std::uint8_t& value : values) value = static_cast<std::uint8_t>(random_.below(256));
    return values;
  }

 private:
  Random random_;
};

/// Calls body(draws) for that many random cases; those of another sequence are others.
template <class Body>
void for_random_cases(std::uint32_t cases, const Body& body, std::uint32_t sequence = 0) {
  for (std::uint32_t round = 0; round < cases; ++round) {
    INFO("random case " << round);
    Draws draws(sequence, round);
    body(draws);
  }
}
/// The same for each type of activations: body(draws, element).
template <class Body>
void for_random_cases_of_each_type(std::uint32_t cases, const Body& body) {
  for (const Element element : kElements) {
    INFO(name_of(element));
    for_random_cases(
        cases, [&](Draws& draws) { body(draws, element); }, static_cast<std::uint32_t>(element));
  }
}

/// The reference backend, with tensors in f32 from and to vectors.
class Reference {
 public:
  Backend* operator->() const { return backend_.get(); }

  Tensor empty(const Shape& shape, DType dtype = DType::f32) const { return backend_->empty(shape, dtype); }
  Tensor tensor(const Shape& shape, const Floats& values) const { return upload(shape, DType::f32, values.data()); }
  Tensor vector(const Floats& values) const { return tensor({static_cast<std::int64_t>(values.size())}, values); }
  Tensor labels(const std::vector<std::int32_t>& values) const {
    return upload({static_cast<std::int64_t>(values.size())}, DType::i32, values.data());
  }
  Tensor bytes(const Shape& shape, const std::vector<std::uint8_t>& values) const {
    return upload(shape, DType::u8, values.data());
  }

 private:
  Tensor upload(const Shape& shape, DType dtype, const void* values) const {
    Tensor tensor = empty(shape, dtype);
    backend_->copy_from_host(values, tensor);
    return tensor;
  }

  std::shared_ptr<Backend> backend_ = make_reference_backend();
};

inline Floats floats(const Tensor& tensor) { return {tensor.data<float>(), tensor.data<float>() + tensor.size()}; }
inline std::vector<std::uint8_t> bytes(const Tensor& tensor) {
  return {tensor.data<std::uint8_t>(), tensor.data<std::uint8_t>() + tensor.size()};
}

/// |got - expected| / |expected| in Euclidean norms. A NaN where one is expected is right, and so is an infinity; any
/// other makes the result NaN or infinite.
inline double relative_error(const Floats& got, const Floats& expected) {
  REQUIRE(got.size() == expected.size());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto have = static_cast<double>(got[i]), want = static_cast<double>(expected[i]);
    if (std::isnan(have) && std::isnan(want)) continue;
    if (std::isfinite(want)) norm += want * want;
    if (have != want) error += (have - want) * (have - want);
  }
  return std::sqrt(error) / std::max(std::sqrt(norm), 1e-6);
}

inline void check_close(const std::string& what, const Floats& got, const Floats& expected, double most) {
  INFO(what);
  CHECK(relative_error(got, expected) <= most);
}
inline void check_close(const std::string& what, const Floats& got, const Tensor& expected, double most) {
  check_close(what, got, floats(expected), most);
}

}  // namespace tandem::test
