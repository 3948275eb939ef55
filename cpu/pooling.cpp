#include "cpu/activation.h"
#include "cpu/cpu_backend.h"

namespace tandem::cpu {
namespace {

constexpr int kMostTaps = 225;  // windows up to 15 x 15, so that a position fits in a byte

}  // namespace

void CpuBackend::max_pool_forward(const Pool2dGeometry& z, const Tensor& x, Tensor& y, Tensor& argmax) {
  const KernelScope scope(*this, "max_pool_forward", [&] { return activation_work(x, {}, {&x, &y, &argmax}); });
  for_activation(kernels_, "max_pool_forward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const std::int64_t height = x.dim(1), width = x.dim(2), channels = x.dim(3), q = y.dim(2);
    threads().for_each(y.dim(0) * y.dim(1), [&](std::int64_t row, int) {
      const std::int64_t image = row / y.dim(1), top = row % y.dim(1) * z.stride - z.padding;
      const T* taps[kMostTaps];
      std::uint8_t position[kMostTaps];
      for (std::int64_t at = 0; at < q; ++at) {
        const std::int64_t left = at * z.stride - z.padding;
        int count = 0;
        for (std::int64_t h = std::max<std::int64_t>(top, 0); h < std::min(top + z.window, height); ++h)
          for (std::int64_t w = std::max<std::int64_t>(left, 0); w < std::min(left + z.window, width); ++w) {
            taps[count] = elements<T>(x) + ((image * height + h) * width + w) * channels;
            position[count++] = static_cast<std::uint8_t>((h - top) * z.window + w - left);
          }
        const std::int64_t out = (row * q + at) * channels;
        kernels.max_pool(taps, position, count, channels, elements<T>(y) + out, argmax.data<std::uint8_t>() + out);
      }
    });
  });
}

void CpuBackend::max_pool_backward(const Pool2dGeometry& z, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  const KernelScope scope(*this, "max_pool_backward", [&] { return activation_work(dx, {}, {&dy, &argmax, &dx}); });
  for_activation(kernels_, "max_pool_backward", dy.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const std::int64_t channels = dx.dim(3), p = dy.dim(1), q = dy.dim(2);
    // The windows [first, behind) that contain input position i of an axis with `windows` windows.
    const auto first = [&](std::int64_t i) {
      const std::int64_t reach = i + z.padding - z.window + 1;
      return reach <= 0 ? 0 : (reach + z.stride - 1) / z.stride;
    };
    const auto behind = [&](std::int64_t i, std::int64_t windows) {
      return std::min(windows, (i + z.padding) / z.stride + 1);
    };
    threads().for_each(dx.dim(0) * dx.dim(1), [&](std::int64_t row, int) {
      const std::int64_t image = row / dx.dim(1), h = row % dx.dim(1);
      const T* gradients[kMostTaps];
      const std::uint8_t* winners[kMostTaps];
      std::uint8_t position[kMostTaps];
      for (std::int64_t w = 0; w < dx.dim(2); ++w) {
        int count = 0;
        for (std::int64_t i = first(h); i < behind(h, p); ++i)
          for (std::int64_t j = first(w); j < behind(w, q); ++j) {
            const std::int64_t at = ((image * p + i) * q + j) * channels;
            gradients[count] = elements<T>(dy) + at;
            winners[count] = argmax.data<std::uint8_t>() + at;
            position[count++] =
                static_cast<std::uint8_t>((h - i * z.stride + z.padding) * z.window + w - j * z.stride + z.padding);
          }
        kernels.max_pool_backward(gradients, winners, position, count, channels,
                                  elements<T>(dx) + (row * dx.dim(2) + w) * channels);
      }
    });
  });
}

void CpuBackend::average_pool_forward(const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "average_pool_forward", [&] { return activation_work(x, {}, {&x, &y}); });
  for_activation(kernels_, "average_pool_forward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const std::int64_t area = x.dim(1) * x.dim(2), channels = x.dim(3);
    fill(y, 0);
    threads().for_each(x.dim(0), [&](std::int64_t n, int) {
      float* mean = y.data<float>() + n * channels;
      kernels.sum_rows(elements<T>(x) + n * area * channels, area, channels, mean);
      for (std::int64_t c = 0; c < channels; ++c) mean[c] /= static_cast<float>(area);
    });
  });
}

void CpuBackend::average_pool_backward(const Tensor& dy, Tensor& dx) {
  const KernelScope scope(*this, "average_pool_backward", [&] { return activation_work(dx, {}, {&dy, &dx}); });
  for_activation(kernels_, "average_pool_backward", dx.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const std::int64_t area = dx.dim(1) * dx.dim(2), channels = dx.dim(3);
    Tensor share = empty(dy.shape(), DType::f32);
    for (std::int64_t i = 0; i < dy.size(); ++i)
      share.data<float>()[i] = dy.data<float>()[i] / static_cast<float>(area);
    threads().for_each(dx.dim(0), [&](std::int64_t n, int) {
      kernels.broadcast(share.data<float>() + n * channels, area, channels, elements<T>(dx) + n * area * channels);
    });
  });
}

void CpuBackend::average_squares_forward(std::int64_t side, const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "average_squares_forward", [&] { return activation_work(x, {}, {&x, &y}); });
  for_activation(kernels_, "average_squares_forward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const std::int64_t height = x.dim(1), width = x.dim(2), channels = x.dim(3);
    Tensor sums = empty({threads().count(), channels}, DType::f32);
    threads().for_each(y.dim(0) * y.dim(1), [&](std::int64_t row, int thread) {
      float* const sum = sums.data<float>() + thread * channels;
      const std::int64_t top = row % y.dim(1) * side, rows = std::min(side, height - top);
      for (std::int64_t q = 0; q < y.dim(2); ++q) {
        const std::int64_t left = q * side, columns = std::min(side, width - left);
        const T* const square = elements<T>(x) + ((row / y.dim(1) * height + top) * width + left) * channels;
        std::fill_n(sum, channels, 0.0F);
        for (std::int64_t h = 0; h < rows; ++h) kernels.sum_rows(square + h * width * channels, columns, channels, sum);
        const float share = 1 / static_cast<float>(rows * columns);
        for (std::int64_t c = 0; c < channels; ++c) sum[c] *= share;
        kernels.broadcast(sum, 1, channels, elements<T>(y) + (row * y.dim(2) + q) * channels);
      }
    });
  });
}

void CpuBackend::average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) {
  const KernelScope scope(*this, "average_squares_backward", [&] { return activation_work(dx, {}, {&dy, &dx}); });
  for_activation(kernels_, "average_squares_backward", dx.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const std::int64_t height = dx.dim(1), width = dx.dim(2), channels = dx.dim(3);
    Tensor shares = empty({threads().count(), channels}, DType::f32);
    threads().for_each(dy.dim(0) * dy.dim(1), [&](std::int64_t row, int thread) {
      float* const share = shares.data<float>() + thread * channels;
      const std::int64_t top = row % dy.dim(1) * side, rows = std::min(side, height - top);
      for (std::int64_t q = 0; q < dy.dim(2); ++q) {
        const std::int64_t left = q * side, columns = std::min(side, width - left);
        std::fill_n(share, channels, 0.0F);
        kernels.sum_rows(elements<T>(dy) + (row * dy.dim(2) + q) * channels, 1, channels, share);
        for (std::int64_t c = 0; c < channels; ++c) share[c] /= static_cast<float>(rows * columns);
        T* const square = elements<T>(dx) + ((row / dy.dim(1) * height + top) * width + left) * channels;
        for (std::int64_t h = 0; h < rows; ++h)
          kernels.broadcast(share, columns, channels, square + h * width * channels);
      }
    });
  });
}

}  // namespace tandem::cpu
