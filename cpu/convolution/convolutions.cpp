#include "cpu/convolution/convolutions.h"

#include <omp.h>

#include <chrono>

namespace tandem::cpu {
namespace {

bool is_pointwise(const ConvolutionProblem& problem) {
  return problem.w[1] == 1 && problem.w[2] == 1 && problem.geometry == Conv2dGeometry{1, 0};
}

}  // namespace

Convolutions::Convolutions(const std::shared_ptr<Arena>& arena, OneDnn& onednn, bool autotune)
    : onednn_(onednn), winograd_(arena) {
  if (!autotune) return;
  const std::string folder = cache_folder();
  plan_.emplace(fmt::format("{}, {} threads, {}", processor_name(), omp_get_max_threads(), OneDnn::version()),
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
  if (problem.direction == Direction::grad_weight && is_pointwise(problem)) all.push_back(Method::product);
  if (has_winograd(problem)) all.push_back(Method::winograd);
  return all;
}

Method Convolutions::usual_method(const ConvolutionProblem& problem) {
  const Shape &x = problem.x, &w = problem.w;
  // Where there are few pixels for a weight gradient to sum over, oneDNN's convolution is slow.
  if (problem.direction == Direction::grad_weight && is_pointwise(problem) && x[0] * x[1] * x[2] <= 16 * w[0])
    return Method::product;
  // In bf16 it is our own, and the fastest at every size that ResNets have; in f32 it depends on oneDNN's version.
  return problem.dtype == DType::bf16 && has_winograd(problem) ? Method::winograd : Method::direct;
}

void Convolutions::convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                            Tensor& output) {
  if (!plan_) return convolve_by(usual_method(problem), problem, a, b, bias, output);
  const auto timer = [&](Method method) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    convolve_by(method, problem, a, b, bias, output);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  convolve_by(plan_->choose(problem, methods(problem), timer), problem, a, b, bias, output);
}

void Convolutions::convolve_by(Method method, const ConvolutionProblem& problem, const Tensor& a, const Tensor& b,
                               const Tensor& bias, Tensor& output) {
  if (method == Method::product) {
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
