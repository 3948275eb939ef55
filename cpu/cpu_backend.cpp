#include "cpu/cpu_backend.h"

#include <cmath>
#include <numeric>

#include "core/backend/image_net.h"
#include "cpu/activation.h"
#include "cpu/host/optimizer.h"

namespace tandem {

std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_shared<cpu::CpuBackend>(options);
}

namespace cpu {

CpuBackend::CpuBackend(const CpuOptions& options)
    : HostBackend(compute_threads(options.threads)),
      kernels_(vector_kernels()),
      onednn_(arena(), threads()),
      convolutions_(arena(), threads(), onednn_, options.autotune) {}

std::string CpuBackend::description() const {
  return fmt::format("cpu, {}, {} kernels{}, {}{}", threads_description(), kernels_.isa,
                     supports(DType::bf16) ? ", bf16 instructions" : "", OneDnn::version(),
                     convolutions_.measures() ? ", autotuned" : "");
}

bool CpuBackend::supports(DType activation) const {
  if (activation == DType::bf16) return kernels_.has_bf16();
  return activation == DType::f32;
}

void CpuBackend::cast(const Tensor& from, Tensor& to) {
  const KernelScope scope(*this, "cast", [&] { return elements_work({&from, &to}); });
  const bool narrow = from.dtype() == DType::f32 && to.dtype() == DType::bf16;
  const bool widen = from.dtype() == DType::bf16 && to.dtype() == DType::f32;
  require(narrow || widen, "cast: no CPU kernel from {} to {}, expected f32 to bf16 or the reverse", from.dtype(),
          to.dtype());
  parallel_pieces(from.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (narrow)
      kernels_.narrow(from.data<float>() + begin, end - begin, elements<std::uint16_t>(to) + begin);
    else
      kernels_.widen(elements<std::uint16_t>(from) + begin, end - begin, to.data<float>() + begin);
  });
}

void CpuBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  const KernelScope scope(*this, "add", [&] { return elements_work({&a, &b, &y}); });
  for_activation(kernels_, "add", a.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    parallel_pieces(a.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.add(elements<T>(a) + begin, elements<T>(b) + begin, end - begin, elements<T>(y) + begin);
    });
  });
}

void CpuBackend::relu_forward(const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "relu_forward", [&] { return elements_work({&x, &y}); });
  for_activation(kernels_, "relu_forward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    parallel_pieces(x.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.relu_forward(elements<T>(x) + begin, end - begin, elements<T>(y) + begin);
    });
  });
}

void CpuBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const KernelScope scope(*this, "relu_backward", [&] { return elements_work({&y, &dy, &dx}); });
  for_activation(kernels_, "relu_backward", y.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    parallel_pieces(y.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels.relu_backward(elements<T>(y) + begin, elements<T>(dy) + begin, end - begin, elements<T>(dx) + begin);
    });
  });
}

void CpuBackend::normalize_images(const Tensor& pixels, Tensor& y) {
  const KernelScope scope(*this, "normalize_images", [&] { return activation_work(y, {}, {&pixels, &y}); });
  float scale[3], shift[3];
  for (int c = 0; c < 3; ++c) {
    scale[c] = static_cast<float>(1 / (255 * kImageNetStd[c]));
    shift[c] = static_cast<float>(-kImageNetMean[c] / kImageNetStd[c]);
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
  const KernelScope scope(*this, "conv2d_forward", [&] { return convolution_work(geometry, x, w, y); });
  convolutions_.convolve({Direction::forward, x.dtype(), geometry, x.shape(), w.shape()}, x, w, {}, y);
}

void CpuBackend::conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) {
  const KernelScope scope(*this, "conv2d_grad_input", [&] { return convolution_work(geometry, dx, w, dy); });
  convolutions_.convolve({Direction::grad_input, dy.dtype(), geometry, dx.shape(), w.shape()}, dy, w, {}, dx);
}

void CpuBackend::conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const KernelScope scope(*this, "conv2d_grad_weight", [&] { return convolution_work(geometry, x, dw, dy); });
  convolutions_.convolve({Direction::grad_weight, x.dtype(), geometry, x.shape(), dw.shape()}, x, dy, {}, dw);
}

void CpuBackend::conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                                  const Tensor& residual, bool relu, Tensor& y) {
  const KernelScope scope(*this, "conv2d_inference", [&] { return convolution_work(geometry, x, w, y, residual); });
  if (residual && residual.raw() != y.raw()) copy(residual, y);
  convolutions_.convolve({Direction::inference, x.dtype(), geometry, x.shape(), w.shape(), residual.defined(), relu}, x,
                         w, b, y);
}

void CpuBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) {
  const KernelScope scope(*this, "matmul", [&] { return product_work(a, b, y); });
  onednn_.matmul(a, transpose_a, b, transpose_b, {}, y);
}

void CpuBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  const KernelScope scope(*this, "linear_forward", [&] { return linear_work(x.dim(0), w, {&x, &w, &b, &y}); });
  onednn_.matmul(x, false, w, true, b, y);
}

void CpuBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  const KernelScope scope(*this, "linear_grad_input", [&] { return linear_work(dx.dim(0), w, {&dy, &w, &dx}); });
  onednn_.matmul(dy, false, w, false, {}, dx);
}

void CpuBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) {
  const KernelScope scope(*this, "linear_grad_weight", [&] { return linear_work(x.dim(0), dw, {&x, &dy, &dw, &db}); });
  onednn_.matmul(dy, true, x, false, {}, dw);
  fill(db, 0);
  kernels_.f32.sum_rows(dy.data<float>(), dy.dim(0), dy.dim(1), db.data<float>());
}

void CpuBackend::optimizer_update(const UpdateRule& rule, const UpdateInputs& inputs,
                                  std::vector<ParameterUpdate>& parameters) {
  const KernelScope scope(*this, "optimizer_update", [&] { return update_work(parameters); });
  if (!may_update(inputs)) return;
  const auto in_pieces = [&](std::int64_t size, const Pieces::Body& body) { parallel_pieces(size, kGrain, body); };
  for (ParameterUpdate& p : parameters) {
    if (const auto* sgd = std::get_if<SgdOptions>(&rule))
      update_by_sgd(*sgd, inputs, p);
    else
      update_parameter<float>(rule, inputs, p, {kGrain, in_pieces});
  }
}

void CpuBackend::update_by_sgd(const SgdOptions& options, const UpdateInputs& inputs, ParameterUpdate& p) {
  const SgdCoefficients coefficients{.lr = inputs.scalars.data<float>()[0] * static_cast<float>(p.lr),
                                     .momentum = static_cast<float>(options.momentum),
                                     .weight_decay = static_cast<float>(options.weight_decay * p.decay),
                                     .nesterov = options.nesterov,
                                     .factor = gradient_factor<float>(inputs),
                                     .limit = static_cast<float>(inputs.clip.value)};
  parallel_pieces(p.weight.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels_.sgd(coefficients, p.gradient.data<float>() + begin, end - begin, p.weight.data<float>() + begin,
                 p.state[0].data<float>() + begin);
  });
}

namespace {

/// Keeps several sums at a time: with a single sum, each addition would wait for the one before.
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
  const KernelScope scope(*this, "gradient_norm", [&] { return tensors_work(gradients); });
  double sum = 0;
  for (const Tensor& gradient : gradients) {
    // Each piece has its own sum, so that the result does not depend on the number of threads.
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
