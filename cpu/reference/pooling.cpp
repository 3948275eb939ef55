#include <algorithm>
#include <limits>

#include "cpu/host/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {

void ReferenceBackend::max_pool_forward(const Pool2dGeometry& z, const Tensor& x, Tensor& y, Tensor& argmax) {
  const KernelScope scope(*this, "max_pool_forward", [&] { return activation_work(x, {}, {&x, &y, &argmax}); });
  for_real("max_pool_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t height = x.dim(1), width = x.dim(2), channels = x.dim(3), q = y.dim(2);
    for (std::int64_t row = 0; row < y.dim(0) * y.dim(1); ++row)
      for (std::int64_t at = 0; at < q * channels; ++at) {
        const std::int64_t n = row / y.dim(1), p = row % y.dim(1), c = at % channels;
        T best = -std::numeric_limits<T>::infinity();
        std::int64_t position = -1;
        for (std::int64_t i = 0; i < z.window * z.window; ++i) {
          const std::int64_t h = p * z.stride - z.padding + i / z.window;
          const std::int64_t w = at / channels * z.stride - z.padding + i % z.window;
          if (h < 0 || h >= height || w < 0 || w >= width) continue;
          const T value = x.data<T>()[((n * height + h) * width + w) * channels + c];
          if (position < 0 || value > best || value != value) best = value, position = i;
        }
        y.data<T>()[row * q * channels + at] = best;
        argmax.data<std::uint8_t>()[row * q * channels + at] = static_cast<std::uint8_t>(position);
      }
  });
}

void ReferenceBackend::max_pool_backward(const Pool2dGeometry& z, const Tensor& dy, const Tensor& argmax, Tensor& dx) {
  const KernelScope scope(*this, "max_pool_backward", [&] { return activation_work(dx, {}, {&dy, &argmax, &dx}); });
  for_real("max_pool_backward", dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t height = dx.dim(1), width = dx.dim(2), channels = dx.dim(3), q = dy.dim(2);
    std::fill_n(dx.data<T>(), dx.size(), T{0});
    for (std::int64_t row = 0; row < dy.dim(0) * dy.dim(1); ++row)
      for (std::int64_t at = 0; at < q * channels; ++at) {
        const std::int64_t n = row / dy.dim(1), p = row % dy.dim(1), c = at % channels;
        const std::int64_t position = argmax.data<std::uint8_t>()[row * q * channels + at];
        const std::int64_t h = p * z.stride - z.padding + position / z.window;
        const std::int64_t w = at / channels * z.stride - z.padding + position % z.window;
        dx.data<T>()[((n * height + h) * width + w) * channels + c] += dy.data<T>()[row * q * channels + at];
      }
  });
}

void ReferenceBackend::average_pool_forward(const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "average_pool_forward", [&] { return activation_work(x, {}, {&x, &y}); });
  for_real("average_pool_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t area = x.dim(1) * x.dim(2), channels = x.dim(3);
    for (std::int64_t n = 0; n < x.dim(0); ++n)
      for (std::int64_t c = 0; c < channels; ++c) {
        T sum = 0;
        for (std::int64_t i = 0; i < area; ++i) sum += x.data<T>()[(n * area + i) * channels + c];
        y.data<T>()[n * channels + c] = sum / static_cast<T>(area);
      }
  });
}

void ReferenceBackend::average_pool_backward(const Tensor& dy, Tensor& dx) {
  const KernelScope scope(*this, "average_pool_backward", [&] { return activation_work(dx, {}, {&dy, &dx}); });
  for_real("average_pool_backward", dx.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t area = dx.dim(1) * dx.dim(2), channels = dx.dim(3);
    for (std::int64_t i = 0; i < dx.size(); ++i)
      dx.data<T>()[i] = dy.data<T>()[i / (area * channels) * channels + i % channels] / static_cast<T>(area);
  });
}

void ReferenceBackend::average_squares_forward(std::int64_t side, const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "average_squares_forward", [&] { return activation_work(x, {}, {&x, &y}); });
  for_real("average_squares_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t height = x.dim(1), width = x.dim(2), channels = x.dim(3);
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t c = i % channels, at = i / channels, n = at / (y.dim(1) * y.dim(2));
      const std::int64_t top = at / y.dim(2) % y.dim(1) * side, left = at % y.dim(2) * side;
      T sum = 0;
      std::int64_t count = 0;
      for (std::int64_t h = top; h < std::min(top + side, height); ++h)
        for (std::int64_t w = left; w < std::min(left + side, width); ++w, ++count)
          sum += x.data<T>()[((n * height + h) * width + w) * channels + c];
      y.data<T>()[i] = sum / static_cast<T>(count);
    }
  });
}

void ReferenceBackend::average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) {
  const KernelScope scope(*this, "average_squares_backward", [&] { return activation_work(dx, {}, {&dy, &dx}); });
  for_real("average_squares_backward", dx.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t height = dx.dim(1), width = dx.dim(2), channels = dx.dim(3);
    for (std::int64_t i = 0; i < dx.size(); ++i) {
      const std::int64_t c = i % channels, at = i / channels, n = at / (height * width);
      const std::int64_t p = at / width % height / side, q = at % width / side;
      const std::int64_t count = std::min(side, height - p * side) * std::min(side, width - q * side);
      dx.data<T>()[i] = dy.data<T>()[((n * dy.dim(1) + p) * dy.dim(2) + q) * channels + c] / static_cast<T>(count);
    }
  });
}

}  // namespace tandem::cpu
