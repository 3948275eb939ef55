#include "cpu/convolution/problem.h"

namespace tandem::cpu {
namespace {

std::string joined(const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += 'x';
    text += std::to_string(shape[i]);
  }
  return text;
}

}  // namespace

const char* name_of(Method method) {
  switch (method) {
    case Method::direct:
      return "direct";
    case Method::gemm:
      return "gemm";
    case Method::winograd:
      return "winograd";
  }
  fail("convolution: no such method");
}

std::string ConvolutionProblem::name() const {
  constexpr const char* kDirections[] = {"forward", "grad_input", "grad_weight", "inference"};
  const std::string groups = geometry.groups == 1 ? "" : fmt::format(" groups {}", geometry.groups);
  return fmt::format("{} {} {} {} stride {} padding {}{}{}{}", kDirections[static_cast<int>(direction)], dtype,
                     joined(x), joined(w), geometry.stride, geometry.padding, groups, adds ? " added" : "",
                     relu ? " relu" : "");
}

}  // namespace tandem::cpu
