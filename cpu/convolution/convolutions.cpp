#include "cpu/convolution/convolutions.h"

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

Convolutions::Convolutions(const std::shared_ptr<Arena>& arena, Threads& threads, OneDnn& onednn, bool autotune)
    : onednn_(onednn), winograd_(arena, threads), winograd_f32_(arena, threads) {
  if (!autotune) return;
  const std::string folder = cache_folder();
  choices_.emplace(fmt::format("{}, {} threads, {}", processor_name(), threads.count(), OneDnn::version()),
                   folder.empty() ? "" : folder + "/convolutions.txt");
}

bool Convolutions::has_winograd(const ConvolutionProblem& problem) {
  if (problem.w[1] != 3 || problem.w[2] != 3 || problem.geometry != Conv2dGeometry{1, 1}) return false;
  if (problem.dtype == DType::f32) return winograd_f32_.supports(problem.w);
  return winograd_.supports(problem.w) && !problem.adds;
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
  return has_winograd(problem) ? Method::winograd : Method::direct;
}

void Convolutions::convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                            Tensor& output) {
  // Measuring what adds to its output would add again and again.
  if (!choices_ || problem.adds) return convolve_by(usual_method(problem), problem, a, b, bias, output);
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
  } else if (method == Method::winograd) {
    if (problem.dtype == DType::bf16)
      convolve_by_winograd(winograd_, problem, a, b, bias, output);
    else
      convolve_by_winograd(winograd_f32_, problem, a, b, bias, output);
  } else {
    onednn_.convolve(problem, a, b, bias, output);
  }
}

template <class AnyWinograd>
void Convolutions::convolve_by_winograd(const AnyWinograd& winograd, const ConvolutionProblem& problem, const Tensor& a,
                                        const Tensor& b, const Tensor& bias, Tensor& output) {
  switch (problem.direction) {
    case Direction::forward:
    case Direction::inference:
      return winograd.forward(a, b, {bias, problem.adds, problem.relu}, output);
    case Direction::grad_input:
      return winograd.grad_input(a, b, output);
    case Direction::grad_weight:
      return winograd.grad_weight(a, b, output);
  }
}

}  // namespace tandem::cpu
