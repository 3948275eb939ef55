#include "cpu/cpu_backend.h"

#include <cmath>
#include <numeric>

#include "cpu/activation.h"
#include "cpu/reference/dispatch.h"
#include "cpu/reference/optimizer.h"

namespace tandem {

std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_shared<cpu::CpuBackend>(options);
}

namespace cpu {

CpuBackend::CpuBackend(const CpuOptions& options) : CpuBackend(compute_threads(options.threads), options.autotune) {}

CpuBackend::CpuBackend(const ThreadCount& count, bool autotune)
    : ReferenceBackend(count.count),
      why_so_many_(count.reason),
      kernels_(vector_kernels()),
      onednn_(arena(), threads()),
      convolutions_(arena(), threads(), onednn_, autotune) {}

std::string CpuBackend::description() const {
  const std::string lost = convolutions_.why_not_kept();
  return fmt::format("cpu, {} thread{} ({}), {} kernels{}, {}{}", thread_count(), thread_count() == 1 ? "" : "s",
                     why_so_many_, kernels_.isa, supports(DType::bf16) ? ", bf16 instructions" : "", OneDnn::version(),
                     lost.empty() ? "" : "; the measured choices of cpu.autotune are not kept: " + lost);
}

bool CpuBackend::supports(DType activation) const {
  if (activation == DType::bf16) return kernels_.has_bf16();
  return activation == DType::f32 || activation == DType::f64;
}

void CpuBackend::cast(const Tensor& from, Tensor& to) {
  const bool narrow = from.dtype() == DType::f32 && to.dtype() == DType::bf16;
  const bool widen = from.dtype() == DType::bf16 && to.dtype() == DType::f32;
  if (!narrow && !widen) return ReferenceBackend::cast(from, to);
  parallel_pieces(from.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (narrow)
      kernels_.narrow(from.data<float>() + begin, end - begin, elements<std::uint16_t>(to) + begin);
    else
      kernels_.widen(elements<std::uint16_t>(from) + begin, end - begin, to.data<float>() + begin);
  });
}

void CpuBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  if (a.dtype() == DType::f64) return ReferenceBackend::add(a, b, y);
  for_activation(kernels_, "add", a.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    parallel_pieces(a.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.add(elements<T>(a) + begin, elements<T>(b) + begin, end - begin, elements<T>(y) + begin);
    });
  });
}

void CpuBackend::relu_forward(const Tensor& x, Tensor& y) {
  if (x.dtype() == DType::f64) return ReferenceBackend::relu_forward(x, y);
  for_activation(kernels_, "relu_forward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    parallel_pieces(x.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.relu_forward(elements<T>(x) + begin, end - begin, elements<T>(y) + begin);
    });
  });
}

void CpuBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  if (y.dtype() == DType::f64) return ReferenceBackend::relu_backward(y, dy, dx);
  for_activation(kernels_, "relu_backward", y.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    parallel_pieces(y.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.relu_backward(elements<T>(y) + begin, elements<T>(dy) + begin, end - begin, elements<T>(dx) + begin);
    });
  });
}

void CpuBackend::normalize_images(const Tensor& pixels, Tensor& y) {
  if (y.dtype() == DType::f64) return ReferenceBackend::normalize_images(pixels, y);
  float scale[3], shift[3];
  for (int c = 0; c < 3; ++c) {
    scale[c] = static_cast<float>(1 / (255 * kImageStd[c]));
    shift[c] = static_cast<float>(-kImageMean[c] / kImageStd[c]);
  }
  for_activation(kernels_, "normalize_images", y.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    // Pieces begin at a red component: their length is a multiple of 3.
    parallel_pieces(y.size(), 3 * kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.normalize_images(pixels.data<std::uint8_t>() + begin, scale, shift, end - begin, elements<T>(y) + begin);
    });
  });
}

void CpuBackend::conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) {
  if (x.dtype() == DType::f64) return ReferenceBackend::conv2d_forward(geometry, x, w, y);
  convolutions_.convolve({Direction::forward, x.dtype(), geometry, x.shape(), w.shape()}, x, w, {}, y);
}

void CpuBackend::conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) {
  if (dy.dtype() == DType::f64) return ReferenceBackend::conv2d_grad_input(geometry, dy, w, dx);
  convolutions_.convolve({Direction::grad_input, dy.dtype(), geometry, dx.shape(), w.shape()}, dy, w, {}, dx);
}

void CpuBackend::conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) {
  if (dy.dtype() == DType::f64) return ReferenceBackend::conv2d_grad_weight(geometry, x, dy, dw);
  convolutions_.convolve({Direction::grad_weight, x.dtype(), geometry, x.shape(), dw.shape()}, x, dy, {}, dw);
}

void CpuBackend::conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                                  const Tensor& residual, bool relu, Tensor& y) {
  if (x.dtype() == DType::f64) return ReferenceBackend::conv2d_inference(geometry, x, w, b, residual, relu, y);
  if (residual && residual.raw() != y.raw()) copy(residual, y);
  convolutions_.convolve({Direction::inference, x.dtype(), geometry, x.shape(), w.shape(), residual.defined(), relu}, x,
                         w, b, y);
}

void CpuBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  if (x.dtype() == DType::f64) return ReferenceBackend::linear_forward(x, w, b, y);
  onednn_.matmul(x, false, w, true, b, y);
}

void CpuBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  if (dy.dtype() == DType::f64) return ReferenceBackend::linear_grad_input(dy, w, dx);
  onednn_.matmul(dy, false, w, false, {}, dx);
}

void CpuBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) {
  if (x.dtype() == DType::f64) return ReferenceBackend::linear_grad_weight(x, dy, dw, db);
  onednn_.matmul(dy, true, x, false, {}, dw);
  fill(db, 0);
  kernels_.f32.sum_rows(dy.data<float>(), dy.dim(0), dy.dim(1), db.data<float>());
}

void CpuBackend::sgd_update(const SgdOptions& options, const UpdateInputs& inputs,
                            std::vector<SgdParameter>& parameters) {
  if (inputs.scalars.dtype() == DType::f64 || inputs.loss_scale)
    return ReferenceBackend::sgd_update(options, inputs, parameters);
  if (!may_update(inputs)) return;
  for (SgdParameter& p : parameters) {
    const SgdCoefficients coefficients{inputs.scalars.data<float>()[0], static_cast<float>(options.momentum),
                                       static_cast<float>(p.decay ? options.weight_decay : 0.0), options.nesterov};
    parallel_pieces(p.weight.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.sgd(coefficients, p.gradient.data<float>() + begin, end - begin, p.weight.data<float>() + begin,
                   p.velocity.data<float>() + begin);
    });
  }
}

void CpuBackend::adam_update(const AdamOptions& options, const UpdateInputs& inputs,
                             std::vector<AdamParameter>& parameters) {
  if (inputs.scalars.dtype() == DType::f64) return ReferenceBackend::adam_update(options, inputs, parameters);
  if (!may_update(inputs)) return;
  for (AdamParameter& p : parameters)
    parallel_pieces(p.weight.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      adam_elements<float>(options, inputs, p, begin, end);
    });
}

namespace {

/// In several sums at a time: one alone would wait for each addition to be done.
double sum_of_squares(const float* x, std::int64_t n) {
  constexpr std::int64_t kSums = 16;
  double sums[kSums] = {};
  const std::int64_t whole = n / kSums * kSums;
  for (std::int64_t i = 0; i < whole; i += kSums)
    for (std::int64_t j = 0; j < kSums; ++j) sums[j] += static_cast<double>(x[i + j]) * x[i + j];
  for (std::int64_t i = whole; i < n; ++i) sums[i - whole] += static_cast<double>(x[i]) * x[i];
  return std::accumulate(sums, sums + kSums, 0.0);
}

}  // namespace

void CpuBackend::gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) {
  if (norm.dtype() == DType::f64) return ReferenceBackend::gradient_norm(gradients, norm);
  double sum = 0;
  for (const Tensor& gradient : gradients) {
    // Summed piece by piece, so that the result does not depend on the number of threads.
    std::vector<double> sums(static_cast<std::size_t>((gradient.size() + kGrain - 1) / kGrain));
    const auto* elements = gradient.data<float>();
    parallel_pieces(gradient.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      sums[static_cast<std::size_t>(begin / kGrain)] = sum_of_squares(elements + begin, end - begin);
    });
    sum = std::accumulate(sums.begin(), sums.end(), sum);
  }
  norm.data<float>()[0] = static_cast<float>(std::sqrt(sum));
}

}  // namespace cpu
}  // namespace tandem
