// Direct convolution: the loops of its definition. The innermost one runs over a contiguous channel axis.

#include <algorithm>
#include <numeric>

#include "cpu/host/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {
namespace {

/// The sizes of one convolution: x (N, H, W, pixel), w (K, R, S, C), y (N, P, Q, K); a group has C channels of a pixel.
struct Sizes {
  std::int64_t n, h, w, pixel, c, k, r, s, p, q, stride, padding, group_filters;

  Sizes(const Conv2dGeometry& geometry, const Shape& x, const Shape& window, const Shape& y)
      : n(x[0]),
        h(x[1]),
        w(x[2]),
        pixel(x[3]),
        c(window[3]),
        k(window[0]),
        r(window[1]),
        s(window[2]),
        p(y[1]),
        q(y[2]),
        stride(geometry.stride),
        padding(geometry.padding),
        group_filters(k / geometry.groups) {}

  /// Calls body(x offset, w offset) for each tap of filter ki at output (pi, qi) that lies inside image ni.
  template <class Body>
  void for_taps(std::int64_t ni, std::int64_t pi, std::int64_t qi, std::int64_t ki, const Body& body) const {
    const std::int64_t first = ki / group_filters * c;
    for (std::int64_t ri = 0; ri < r; ++ri)
      for (std::int64_t si = 0; si < s; ++si) {
        const std::int64_t hi = pi * stride - padding + ri, wi = qi * stride - padding + si;
        if (hi < 0 || hi >= h || wi < 0 || wi >= w) continue;
        body(((ni * h + hi) * w + wi) * pixel + first, ((ki * r + ri) * s + si) * c);
      }
  }
};

/// Keeps several sums at a time: with a single sum, each addition would wait for the one before.
template <class T>
T dot(const T* a, const T* b, std::int64_t n) {
  constexpr std::int64_t kSums = 8;
  T sums[kSums] = {};
  const std::int64_t whole = n / kSums * kSums;
  for (std::int64_t i = 0; i < whole; i += kSums)
    for (std::int64_t j = 0; j < kSums; ++j) sums[j] += a[i + j] * b[i + j];
  for (std::int64_t i = whole; i < n; ++i) sums[i - whole] += a[i] * b[i];
  return std::accumulate(sums, sums + kSums, T{0});
}

}  // namespace

void ReferenceBackend::conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) {
  const KernelScope scope(*this, "conv2d_forward", [&] { return convolution_work(geometry, x, w, y); });
  for_real("conv2d_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const Sizes z(geometry, x.shape(), w.shape(), y.shape());
    const T *xs = x.data<T>(), *ws = w.data<T>();
    T* ys = y.data<T>();
    threads().for_each(z.n * z.p, [&](std::int64_t row, int) {
      for (std::int64_t qi = 0; qi < z.q; ++qi)
        for (std::int64_t ki = 0; ki < z.k; ++ki) {
          T sum = 0;
          z.for_taps(row / z.p, row % z.p, qi, ki,
                     [&](std::int64_t xi, std::int64_t wi) { sum += dot(xs + xi, ws + wi, z.c); });
          ys[(row * z.q + qi) * z.k + ki] = sum;
        }
    });
  });
}

void ReferenceBackend::conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w,
                                         Tensor& dx) {
  const KernelScope scope(*this, "conv2d_grad_input", [&] { return convolution_work(geometry, dx, w, dy); });
  for_real("conv2d_grad_input", dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const Sizes z(geometry, dx.shape(), w.shape(), dy.shape());
    const T *dys = dy.data<T>(), *ws = w.data<T>();
    T* dxs = dx.data<T>();
    std::fill_n(dxs, dx.size(), T{0});
    threads().for_each(z.n, [&](std::int64_t ni, int) {
      for (std::int64_t at = 0; at < z.p * z.q; ++at)
        for (std::int64_t ki = 0; ki < z.k; ++ki) {
          const T d = dys[(ni * z.p * z.q + at) * z.k + ki];
          z.for_taps(ni, at / z.q, at % z.q, ki, [&](std::int64_t xi, std::int64_t wi) {
            const T* a = ws + wi;
            for (std::int64_t ci = 0; ci < z.c; ++ci) dxs[xi + ci] += d * a[ci];
          });
        }
    });
  });
}

void ReferenceBackend::conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy,
                                          Tensor& dw) {
  const KernelScope scope(*this, "conv2d_grad_weight", [&] { return convolution_work(geometry, x, dw, dy); });
  for_real("conv2d_grad_weight", dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const Sizes z(geometry, x.shape(), dw.shape(), dy.shape());
    const T *dys = dy.data<T>(), *xs = x.data<T>();
    T* dws = dw.data<T>();
    std::fill_n(dws, dw.size(), T{0});
    threads().for_each(z.k, [&](std::int64_t ki, int) {
      for (std::int64_t ni = 0; ni < z.n; ++ni)
        for (std::int64_t at = 0; at < z.p * z.q; ++at) {
          const T d = dys[(ni * z.p * z.q + at) * z.k + ki];
          z.for_taps(ni, at / z.q, at % z.q, ki, [&](std::int64_t xi, std::int64_t wi) {
            T* a = dws + wi;
            for (std::int64_t ci = 0; ci < z.c; ++ci) a[ci] += d * xs[xi + ci];
          });
        }
    });
  });
}

void ReferenceBackend::conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w,
                                        const Tensor& b, const Tensor& residual, bool relu, Tensor& y) {
  const KernelScope scope(*this, "conv2d_inference", [&] { return convolution_work(geometry, x, w, y, residual); });
  Tensor product = empty(y.shape(), y.dtype());  // y may be the residual
  conv2d_forward(geometry, x, w, product);
  for_real("conv2d_inference", x.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < y.size(); ++i) {
      T value = product.data<T>()[i] + b.data<T>()[i % b.size()];
      if (residual) value += residual.data<T>()[i];
      y.data<T>()[i] = relu && value < 0 ? T{0} : value;
    }
  });
}

}  // namespace tandem::cpu
