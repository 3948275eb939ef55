#include <algorithm>

#include "cpu/host/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {

void ReferenceBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) {
  const KernelScope scope(*this, "matmul", [&] { return product_work(a, b, y); });
  for_real("matmul", a.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t m = y.dim(0), n = y.dim(1), k = a.size() / m;
    const T *as = a.data<T>(), *bs = b.data<T>();
    T* ys = y.data<T>();
    std::fill_n(ys, y.size(), T{0});
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < k; ++j) {
        const T factor = transpose_a ? as[j * m + i] : as[i * k + j];
        for (std::int64_t o = 0; o < n; ++o) ys[i * n + o] += factor * (transpose_b ? bs[o * k + j] : bs[j * n + o]);
      }
  });
}

void ReferenceBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  const KernelScope scope(*this, "linear_forward", [&] { return linear_work(x.dim(0), w, {&x, &w, &b, &y}); });
  for_real("linear_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t n = x.dim(0), c = x.dim(1), k = w.dim(0);
    const T *xs = x.data<T>(), *ws = w.data<T>(), *bs = b.data<T>();
    T* ys = y.data<T>();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t o = 0; o < k; ++o) {
        T sum = bs[o];
        for (std::int64_t j = 0; j < c; ++j) sum += xs[i * c + j] * ws[o * c + j];
        ys[i * k + o] = sum;
      }
  });
}

void ReferenceBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  const KernelScope scope(*this, "linear_grad_input", [&] { return linear_work(dx.dim(0), w, {&dy, &w, &dx}); });
  for_real("linear_grad_input", dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t n = dx.dim(0), c = dx.dim(1), k = w.dim(0);
    const T *dys = dy.data<T>(), *ws = w.data<T>();
    T* dxs = dx.data<T>();
    std::fill_n(dxs, dx.size(), T{0});
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t o = 0; o < k; ++o)
        for (std::int64_t j = 0; j < c; ++j) dxs[i * c + j] += dys[i * k + o] * ws[o * c + j];
  });
}

void ReferenceBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) {
  const KernelScope scope(*this, "linear_grad_weight", [&] { return linear_work(x.dim(0), dw, {&x, &dy, &dw, &db}); });
  for_real("linear_grad_weight", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t n = x.dim(0), c = x.dim(1), k = dw.dim(0);
    const T *xs = x.data<T>(), *dys = dy.data<T>();
    T *dws = dw.data<T>(), *dbs = db.data<T>();
    std::fill_n(dws, dw.size(), T{0});
    std::fill_n(dbs, db.size(), T{0});
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t o = 0; o < k; ++o) {
        const T d = dys[i * k + o];
        dbs[o] += d;
        for (std::int64_t j = 0; j < c; ++j) dws[o * c + j] += d * xs[i * c + j];
      }
  });
}

}  // namespace tandem::cpu
