#include "cpu/convolution/convolutions.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>

namespace tandem::cpu {
namespace {

bool is_pointwise(const ConvolutionProblem& problem) {
  return problem.w[1] == 1 && problem.w[2] == 1 && problem.geometry == Conv2dGeometry{1, 0};
}

/// Whether a weight gradient sums over so few pixels that oneDNN's convolution is slow, beside a product, for which the
/// windows are gathered unless they are pixels.
bool sums_few_pixels(const ConvolutionProblem& problem) {
  const Shape &x = problem.x, &w = problem.w;
  const Conv2dGeometry& geometry = problem.geometry;
  if (geometry != Conv2dGeometry{geometry.stride, geometry.padding}) return false;  // A product knows nothing else.
  const std::int64_t most = (is_pointwise(problem) ? 16 : 8) * w[0];
  return x[0] * geometry.output(x[1], w[1]) * geometry.output(x[2], w[2]) <= most;
}

/// columns (pixels of y, R S C): the window of x (N, H, W, C) that each output pixel sees, zero outside of x.
void gather_windows(Threads& threads, const Conv2dGeometry& geometry, const Shape& w, const Tensor& x, const Shape& y,
                    Tensor& columns) {
  const std::int64_t height = x.dim(1), width = x.dim(2);
  const std::size_t bytes = static_cast<std::size_t>(x.dim(3)) * size_of(x.dtype());
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(columns.raw());
  threads.for_each(y[0] * y[1], [&](std::int64_t row, int) {
    const std::int64_t n = row / y[1], top = row % y[1] * geometry.stride - geometry.padding;
    std::byte* out = to + static_cast<std::size_t>(row * y[2] * w[1] * w[2]) * bytes;
    for (std::int64_t q = 0; q < y[2]; ++q)
      for (std::int64_t r = top; r < top + w[1]; ++r)
        for (std::int64_t s = 0; s < w[2]; ++s, out += bytes) {
          const std::int64_t column = q * geometry.stride - geometry.padding + s;
          if (r >= 0 && r < height && column >= 0 && column < width)
            std::memcpy(out, from + static_cast<std::size_t>((n * height + r) * width + column) * bytes, bytes);
          else
            std::memset(out, 0, bytes);
        }
  });
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
    : arena_(arena), threads_(threads), onednn_(onednn), winograd_(arena, threads), winograd_f32_(arena, threads) {
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
  if (problem.direction == Direction::grad_weight && (is_pointwise(problem) || sums_few_pixels(problem)))
    all.push_back(Method::gemm);
  if (has_winograd(problem)) all.push_back(Method::winograd);
  return all;
}

Method Convolutions::usual_method(const ConvolutionProblem& problem) {
  if (has_winograd(problem)) return Method::winograd;
  return problem.direction == Direction::grad_weight && sums_few_pixels(problem) ? Method::gemm : Method::direct;
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
    grad_weight_by_product(problem, a, b, output);
  } else if (method == Method::winograd) {
    if (problem.dtype == DType::bf16)
      convolve_by_winograd(winograd_, problem, a, b, bias, output);
    else
      convolve_by_winograd(winograd_f32_, problem, a, b, bias, output);
  } else {
    onednn_.convolve(problem, a, b, bias, output);
  }
}

void Convolutions::grad_weight_by_product(const ConvolutionProblem& problem, const Tensor& x, const Tensor& dy,
                                          Tensor& dw) {
  const std::int64_t filters = dw.dim(0), inputs = dw.size() / filters, pixels = dy.size() / filters;
  const auto product = [&](const Tensor& columns) {
    Tensor sums = dw.reshape({filters, inputs});
    onednn_.matmul(dy.reshape({pixels, filters}), true, columns, false, {}, sums);
  };
  if (is_pointwise(problem)) return product(x.reshape({pixels, inputs}));
  Tensor columns(arena_, {pixels, inputs}, x.dtype());
  gather_windows(threads_, problem.geometry, dw.shape(), x, dy.shape(), columns);
  product(columns);
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
