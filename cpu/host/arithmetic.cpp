#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tensor/broadcast.h"
#include "cpu/host/dispatch.h"
#include "cpu/host/host_backend.h"

namespace tandem::cpu {
namespace {

template <class T, class Op>
void map(const Tensor& x, Tensor& y, const Op& op) {
  const T* from = x.data<T>();
  std::transform(from, from + x.size(), y.data<T>(), op);
}

/// In, T: the types of the operands and of y.
template <class In, class T, class Op>
void map_pairs(const Tensor& a, const Tensor& b, Tensor& y, const Op& op) {
  const Broadcast at(a.shape(), b.shape());
  const In *as = a.data<In>(), *bs = b.data<In>();
  T* ys = y.data<T>();
  for (std::int64_t r = 0; r < at.rows; ++r) {
    const In *row_a = as + r * at.a.row, *row_b = bs + r * at.b.row;
    T* to = ys + r * at.columns;
    // Where the strides are known, and in long rows, the compiler makes vectors of it.
    if (at.a.column == 1 && at.b.column == 1) {
      for (std::int64_t c = 0; c < at.columns; ++c) to[c] = op(row_a[c], row_b[c]);
    } else if (at.a.column == 1) {
      const In repeated = *row_b;
      for (std::int64_t c = 0; c < at.columns; ++c) to[c] = op(row_a[c], repeated);
    } else {
      for (std::int64_t c = 0; c < at.columns; ++c) to[c] = op(row_a[c * at.a.column], row_b[c * at.b.column]);
    }
  }
}

/// The reduction of `n` elements, `stride` apart.
template <class T>
T reduced(ReduceOp op, const T* x, std::int64_t n, std::int64_t stride) {
  double sum = 0;
  T most = -std::numeric_limits<T>::infinity();
  for (std::int64_t i = 0; i < n; ++i) {
    const T value = x[i * stride];
    sum += static_cast<double>(value);
    if (value > most || std::isnan(value)) most = value;
  }
  return op == ReduceOp::sum ? static_cast<T>(sum) : most;
}

}  // namespace

void HostBackend::unary(UnaryOp op, const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "unary", [&] { return elements_work({&x, &y}); });
  for_real("unary", x.dtype(), [&](auto type) {
    using T = decltype(type);
    switch (op) {
      case UnaryOp::exp:
        return map<T>(x, y, [](T v) { return std::exp(v); });
      case UnaryOp::log:
        return map<T>(x, y, [](T v) { return std::log(v); });
      case UnaryOp::sqrt:
        return map<T>(x, y, [](T v) { return std::sqrt(v); });
      case UnaryOp::is_finite:
        return map<T>(x, y, [](T v) { return std::isfinite(v) ? T{1} : T{0}; });
    }
  });
}

void HostBackend::affine(double factor, double shift, const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "affine", [&] { return elements_work({&x, &y}); });
  for_real("affine", x.dtype(), [&](auto type) {
    using T = decltype(type);
    map<T>(x, y, [f = static_cast<T>(factor), s = static_cast<T>(shift)](T v) { return f * v + s; });
  });
}

void HostBackend::binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const KernelScope scope(*this, "binary", [&] { return elements_work({&y, &a, &b}); });
  for_real("binary", y.dtype(), [&](auto type) {
    using T = decltype(type);
    switch (op) {
      case BinaryOp::add:
        return map_pairs<T, T>(a, b, y, [](T p, T q) { return p + q; });
      case BinaryOp::subtract:
        return map_pairs<T, T>(a, b, y, [](T p, T q) { return p - q; });
      case BinaryOp::multiply:
        return map_pairs<T, T>(a, b, y, [](T p, T q) { return p * q; });
      case BinaryOp::divide:
        return map_pairs<T, T>(a, b, y, [](T p, T q) { return p / q; });
      case BinaryOp::gate:
        return map_pairs<T, T>(a, b, y, [](T p, T q) { return p > 0 ? q : T{0}; });
      case BinaryOp::equal:
        const auto equal = [](auto p, auto q) { return p == q ? T{1} : T{0}; };
        if (a.dtype() == DType::i32) return map_pairs<std::int32_t, T>(a, b, y, equal);
        return map_pairs<T, T>(a, b, y, equal);
    }
  });
}

void HostBackend::reduce(ReduceOp op, Over over, const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "reduce", [&] { return elements_work({&x, &y}); });
  for_real("reduce", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const MatrixSize size = matrix_size(x.shape());
    const T* xs = x.data<T>();
    T* ys = y.data<T>();
    switch (over) {
      case Over::rows:
        for (std::int64_t c = 0; c < size.columns; ++c) ys[c] = reduced(op, xs + c, size.rows, size.columns);
        return;
      case Over::columns:
        for (std::int64_t r = 0; r < size.rows; ++r) ys[r] = reduced(op, xs + r * size.columns, size.columns, 1);
        return;
      case Over::all:
        *ys = reduced(op, xs, x.size(), 1);
        return;
    }
  });
}

void HostBackend::weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) {
  const KernelScope scope(*this, "weighted_sum", [&] { return tensors_work(terms); });
  for_real("weighted_sum", out.dtype(), [&](auto type) {
    using T = decltype(type);
    double sum = 0;
    for (std::size_t i = 0; i < terms.size(); ++i)
      sum += static_cast<double>(weights.data<T>()[i]) * static_cast<double>(terms[i].data<T>()[0]);
    out.data<T>()[0] = static_cast<T>(sum);
  });
}

void HostBackend::gather_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const KernelScope scope(*this, "gather_rows", [&] { return elements_work({&y, &index, &y}); });
  for_real("gather_rows", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t columns = x.dim(1);
    for (std::int64_t i = 0; i < index.size(); ++i)
      std::copy_n(x.data<T>() + index.data<std::int32_t>()[i] * columns, columns, y.data<T>() + i * columns);
  });
}

void HostBackend::scatter_add_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const KernelScope scope(*this, "scatter_add_rows", [&] { return elements_work({&x, &index, &y}); });
  for_real("scatter_add_rows", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t columns = x.dim(1);
    fill(y, 0);
    for (std::int64_t i = 0; i < index.size(); ++i) {
      const T* from = x.data<T>() + i * columns;
      T* to = y.data<T>() + index.data<std::int32_t>()[i] * columns;
      for (std::int64_t c = 0; c < columns; ++c) to[c] += from[c];
    }
  });
}

}  // namespace tandem::cpu
