#include "cpu/convolution/convolutions.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace tandem::cpu {
namespace {

bool is_pointwise(const ConvolutionProblem& problem) {
  return problem.w[1] == 1 && problem.w[2] == 1 && problem.geometry == Conv2dGeometry{1, 0};
}

/// The processor's name, as /proc/cpuinfo has it.
std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown processor";
}

}  // namespace

Convolutions::Convolutions(const std::shared_ptr<Arena>& arena, OneDnn& onednn, bool autotune)
    : onednn_(onednn), winograd_(arena) {
  if (!autotune) return;
  const std::string folder = cache_folder();
  choices_.emplace(fmt::format("{}, {} threads, {}", processor_name(), omp_get_max_threads(), OneDnn::version()),
                   folder.empty() ? "" : folder + "/convolutions.txt");
}

bool Convolutions::has_winograd(const ConvolutionProblem& problem) {
  // Not where it adds to its output: measuring would add again and again.
  if (problem.w[1] != 3 || problem.w[2] != 3 || problem.geometry != Conv2dGeometry{1, 1} || problem.adds) return false;
  if (problem.dtype == DType::f32) return onednn_.supports(Method::winograd, problem);
  return winograd_.supports(problem.w);
}

std::vector<Method> Convolutions::methods(const ConvolutionProblem& problem) {
  std::vector<Method> all{Method::direct};
  if (problem.direction == Direction::grad_weight && is_pointwise(problem)) all.push_back(Method::gemm);
  if (has_winograd(problem)) all.push_back(Method::winograd);
  return all;
}

Method Convolutions::usual_method(const ConvolutionProblem& problem) {
  const Shape &x = problem.x, &w = problem.w;
  // Where there are few pixels for a weight gradient to sum over, oneDNN's convolution is slow.
  if (problem.direction == Direction::grad_weight && is_pointwise(problem) && x[0] * x[1] * x[2] <= 16 * w[0])
    return Method::gemm;
  // In bf16 it is our own, and the fastest at every size that ResNets have; in f32 it depends on oneDNN's version.
  return problem.dtype == DType::bf16 && has_winograd(problem) ? Method::winograd : Method::direct;
}

void Convolutions::convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                            Tensor& output) {
  if (!choices_) return convolve_by(usual_method(problem), problem, a, b, bias, output);
  const std::vector<Method> all = methods(problem);
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Method method : all) names.emplace_back(name_of(method));
  const auto timer = [&](std::size_t way) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    convolve_by(all[way], problem, a, b, bias, output);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  convolve_by(all[choices_->choose(problem.name(), names, timer)], problem, a, b, bias, output);
}

void Convolutions::convolve_by(Method method, const ConvolutionProblem& problem, const Tensor& a, const Tensor& b,
                               const Tensor& bias, Tensor& output) {
  if (method == Method::gemm) {
    const auto matrix = [](const Tensor& t) { return t.reshape({t.size() / t.dim(3), t.dim(3)}); };
    Tensor product = output.reshape({output.dim(0), output.dim(3)});
    onednn_.matmul(matrix(b), true, matrix(a), false, {}, product);
  } else if (method == Method::winograd && problem.dtype == DType::bf16) {
    switch (problem.direction) {
      case Direction::forward:
      case Direction::inference:
        return winograd_.forward(a, b, bias, problem.relu, output);
      case Direction::grad_input:
        return winograd_.grad_input(a, b, output);
      case Direction::grad_weight:
        return winograd_.grad_weight(a, b, output);
    }
  } else {
    onednn_.convolve(method, problem, a, b, bias, output);
  }
}

}  // namespace tandem::cpu
