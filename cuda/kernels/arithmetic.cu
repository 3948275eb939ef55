#include "cuda/kernels/arithmetic.h"

#include "cuda/kernels/support/dispatch.cuh"
#include "cuda/kernels/support/launch.cuh"

namespace tandem::cuda::kernels {
namespace {

__device__ std::int64_t first_element() { return blockIdx.x * std::int64_t{kThreads} + threadIdx.x; }
__device__ std::int64_t grid_stride() { return gridDim.x * std::int64_t{kThreads}; }

// Element by element. -----------------------------------------------------------------------------------------------

struct Affine {
  float factor, shift;
  __device__ float operator()(float x) const { return factor * x + shift; }
};

template <class Op>
__global__ void __launch_bounds__(kThreads) map_kernel(Op op, const float* x, std::int64_t n, float* y) {
  for (std::int64_t i = first_element(); i < n; i += grid_stride()) y[i] = op(x[i]);
}

template <class Op>
void map(const Queue& queue, const Op& op, const float* x, std::int64_t n, float* y) {
  if (n > 0) launch(queue, grid_for(queue, n, kThreads), kThreads, map_kernel<Op>, op, x, n, y);
}

struct Exp {
  __device__ float operator()(float x) const { return expf(x); }
};
struct Log {
  __device__ float operator()(float x) const { return logf(x); }
};
struct Sqrt {
  __device__ float operator()(float x) const { return sqrtf(x); }
};
struct IsFinite {
  __device__ float operator()(float x) const { return isfinite(x) ? 1 : 0; }
};

// Pairs of elements. ------------------------------------------------------------------------------------------------

template <class Op, class T>
__global__ void __launch_bounds__(kThreads)
    pairs_kernel(Op op, const __grid_constant__ PairShape shape, const T* a, const T* b, float* y) {
  const std::int64_t n = shape.rows * shape.columns;
  for (std::int64_t i = first_element(); i < n; i += grid_stride()) {
    const std::int64_t row = i / shape.columns, column = i % shape.columns;
    y[i] = op(a[row * shape.a_row + column * shape.a_column], b[row * shape.b_row + column * shape.b_column]);
  }
}

template <class Op, class T>
void map_pairs(const Queue& queue, const Op& op, const PairShape& shape, const T* a, const T* b, float* y) {
  const std::int64_t n = shape.rows * shape.columns;
  if (n > 0) launch(queue, grid_for(queue, n, kThreads), kThreads, pairs_kernel<Op, T>, op, shape, a, b, y);
}

struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Subtract {
  __device__ float operator()(float a, float b) const { return a - b; }
};
struct Multiply {
  __device__ float operator()(float a, float b) const { return a * b; }
};
struct Divide {
  __device__ float operator()(float a, float b) const { return a / b; }
};
struct Equal {
  template <class T>
  __device__ float operator()(T a, T b) const {
    return a == b ? 1 : 0;
  }
};
struct Gate {
  __device__ float operator()(float a, float b) const { return a > 0 ? b : 0; }
};

// Reductions, by a block of `across` columns times `down` threads, in f64. --------------------------------------------

/// NaN stays NaN.
template <bool kLargest>
__device__ double combined(double a, double b) {
  if (!kLargest) return a + b;
  return b > a || isnan(b) ? b : a;
}

/// The reduction of `count` elements `stride` apart by the threads of a column of the block; it is in the first.
template <bool kLargest>
__device__ double reduce_column(const float* x, std::int64_t count, std::int64_t stride) {
  __shared__ double shared[kThreads];
  const unsigned at = threadIdx.y * blockDim.x + threadIdx.x;
  double value = kLargest ? -static_cast<double>(INFINITY) : 0;
  for (std::int64_t i = threadIdx.y; i < count; i += blockDim.y)
    value = combined<kLargest>(value, static_cast<double>(x[i * stride]));
  shared[at] = value;
  __syncthreads();
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    if (threadIdx.y < half) shared[at] = combined<kLargest>(shared[at], shared[at + half * blockDim.x]);
    __syncthreads();
  }
  return shared[threadIdx.x];
}

template <bool kLargest>
__global__ void __launch_bounds__(kThreads)
    reduce_rows_kernel(const float* x, std::int64_t rows, std::int64_t columns, float* y) {
  const std::int64_t column = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x;
  const bool inside = column < columns;  // all threads go on to the barriers
  const double value = reduce_column<kLargest>(x + column, inside ? rows : 0, columns);
  if (inside && threadIdx.y == 0) y[column] = static_cast<float>(value);
}

template <bool kLargest>
__global__ void __launch_bounds__(kThreads) reduce_columns_kernel(const float* x, std::int64_t columns, float* y) {
  const std::int64_t row = blockIdx.x;
  const double value = reduce_column<kLargest>(x + row * columns, columns, 1);
  if (threadIdx.y == 0) y[row] = static_cast<float>(value);
}

// Rows. -------------------------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(kThreads)
    gather_kernel(const float* x, const std::int32_t* index, std::int64_t n, std::int64_t columns, float* y) {
  for (std::int64_t i = first_element(); i < n * columns; i += grid_stride())
    y[i] = x[index[i / columns] * columns + i % columns];
}

__global__ void __launch_bounds__(kThreads)
    scatter_add_kernel(const float* x, const std::int32_t* index, std::int64_t n, std::int64_t rows,
                       std::int64_t columns, float* y) {
  for (std::int64_t i = first_element(); i < rows * columns; i += grid_stride()) {
    const std::int64_t row = i / columns, column = i % columns;
    float sum = 0;
    for (std::int64_t from = 0; from < n; ++from)
      if (index[from] == row) sum += x[from * columns + column];
    y[i] = sum;
  }
}

}  // namespace

void unary(const Queue& queue, Unary op, const float* x, std::int64_t n, float* y) {
  switch (op) {
    case Unary::exp:
      return map(queue, Exp{}, x, n, y);
    case Unary::log:
      return map(queue, Log{}, x, n, y);
    case Unary::sqrt:
      return map(queue, Sqrt{}, x, n, y);
    case Unary::is_finite:
      return map(queue, IsFinite{}, x, n, y);
  }
}

void affine(const Queue& queue, float factor, float shift, const float* x, std::int64_t n, float* y) {
  map(queue, Affine{factor, shift}, x, n, y);
}

void binary(const Queue& queue, Binary op, const PairShape& shape, const float* a, const float* b, float* y) {
  switch (op) {
    case Binary::add:
      return map_pairs(queue, Add{}, shape, a, b, y);
    case Binary::subtract:
      return map_pairs(queue, Subtract{}, shape, a, b, y);
    case Binary::multiply:
      return map_pairs(queue, Multiply{}, shape, a, b, y);
    case Binary::divide:
      return map_pairs(queue, Divide{}, shape, a, b, y);
    case Binary::equal:
      return map_pairs(queue, Equal{}, shape, a, b, y);
    case Binary::gate:
      return map_pairs(queue, Gate{}, shape, a, b, y);
  }
}

void equal_labels(const Queue& queue, const PairShape& shape, const std::int32_t* a, const std::int32_t* b, float* y) {
  map_pairs(queue, Equal{}, shape, a, b, y);
}

void reduce_rows(const Queue& queue, bool largest, const float* x, std::int64_t rows, std::int64_t columns, float* y) {
  constexpr unsigned kAcross = 8, kDown = kThreads / kAcross;
  if (columns == 0) return;
  launch(queue, static_cast<unsigned>(ceil_div(columns, kAcross)), dim3(kAcross, kDown),
         largest ? reduce_rows_kernel<true> : reduce_rows_kernel<false>, x, rows, columns, y);
}

void reduce_columns(const Queue& queue, bool largest, const float* x, std::int64_t rows, std::int64_t columns,
                    float* y) {
  if (rows == 0) return;
  launch(queue, static_cast<unsigned>(rows), dim3(1, kThreads),
         largest ? reduce_columns_kernel<true> : reduce_columns_kernel<false>, x, columns, y);
}

void gather_rows(const Queue& queue, const float* x, const std::int32_t* index, std::int64_t n, std::int64_t columns,
                 float* y) {
  if (n * columns == 0) return;
  launch(queue, grid_for(queue, n * columns, kThreads), kThreads, gather_kernel, x, index, n, columns, y);
}

void scatter_add_rows(const Queue& queue, const float* x, const std::int32_t* index, std::int64_t n, std::int64_t rows,
                      std::int64_t columns, float* y) {
  if (rows * columns == 0) return;
  launch(queue, grid_for(queue, rows * columns, kThreads), kThreads, scatter_add_kernel, x, index, n, rows, columns, y);
}

}  // namespace tandem::cuda::kernels
