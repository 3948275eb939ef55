#include "cpu/convolution/plan.h"

#include <algorithm>
#include <fstream>

namespace tandem::cpu {
namespace {

const char* name_of(Method method) {
  switch (method) {
    case Method::direct:
      return "direct";
    case Method::product:
      return "product";
    case Method::winograd:
      return "winograd";
  }
  fail("convolution plan: no such method");
}

std::string joined(const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += 'x';
    text += std::to_string(shape[i]);
  }
  return text;
}

}  // namespace

std::string ConvolutionProblem::name() const {
  constexpr const char* kDirections[] = {"forward", "grad_input", "grad_weight", "inference"};
  return fmt::format("{} {} {} {} stride {} padding {}{}{}", kDirections[static_cast<int>(direction)], dtype, joined(x),
                     joined(w), geometry.stride, geometry.padding, adds ? " added" : "", relu ? " relu" : "");
}

Method ConvolutionPlan::choose(const ConvolutionProblem& problem, const std::vector<Method>& methods,
                               const Timer& timer) {
  std::vector<std::string> names;
  names.reserve(methods.size());
  for (const Method method : methods) names.emplace_back(name_of(method));
  return methods[choices_.choose(problem.name(), names, [&](std::size_t i) { return timer(methods[i]); })];
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown processor";
}

}  // namespace tandem::cpu
