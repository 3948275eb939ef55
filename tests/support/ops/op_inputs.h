#pragma once
// Random inputs of op cases.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/ops/op_run.h"

namespace tandem::test {

using Inputs = std::vector<Variable>;

inline std::int64_t one_of(Random& random, const std::vector<std::int64_t>& choices) {
  return choices[random.below(static_cast<std::uint32_t>(choices.size()))];
}

template <class Draw>
HostTensor filled(const Shape& shape, const Draw& draw) {
  HostTensor tensor{shape, std::vector<double>(static_cast<std::size_t>(shape.size()))};
  for (std::size_t i = 0; i < tensor.values.size(); ++i) tensor.values[i] = draw(i);
  return tensor;
}

inline OpInput real(std::string name, Random& random, const Shape& shape, float mean = 0, float deviation = 1) {
  return {std::move(name), Role::real,
          filled(shape, [&](std::size_t) { return static_cast<double>(mean + deviation * random.normal()); })};
}

inline OpInput activation(std::string name, Random& random, const Shape& shape) {
  return {std::move(name), Role::activation,
          filled(shape, [&](std::size_t) { return round_to_bf16(static_cast<double>(random.normal())); })};
}

/// An activation whose elements keep a distance from 0.
inline OpInput activation_off_zero(std::string name, Random& random, const Shape& shape) {
  OpInput input = activation(std::move(name), random, shape);
  for (double& x : input.value.values)
    if (std::abs(x) < 0x1p-6) x = x < 0 ? -0x1p-6 : 0x1p-6;
  return input;
}

inline std::vector<std::int32_t> random_labels(Random& random, std::int64_t n, std::uint32_t classes) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(n));
  for (auto& label : labels) label = static_cast<std::int32_t>(random.below(classes));
  return labels;
}

inline Tensor upload_labels(Backend& backend, const std::vector<std::int32_t>& labels) {
  Tensor tensor = backend.empty({static_cast<std::int64_t>(labels.size())}, DType::i32);
  backend.copy_from_host(labels.data(), tensor);
  return tensor;
}

}  // namespace tandem::test
