#include "cuda/kernels/convolution.h"

#include "cuda/kernels/normalize.h"
#include "cuda/kernels/support/columns.cuh"
#include "cuda/kernels/support/launch.cuh"

namespace tandem::cuda::kernels {
namespace {

/// A block folds one filter.
__global__ void __launch_bounds__(kThreads)
    fold_batch_norm_kernel(double eps, std::int64_t row, const float* w, const float* gamma, const float* beta,
                           const float* running_mean, const float* running_var, float* folded_w, float* folded_b) {
  const unsigned filter = blockIdx.x;
  const float deviation = static_cast<float>(sqrt(static_cast<double>(running_var[filter]) + eps));
  const float scale = gamma[filter] / deviation;
  if (threadIdx.x == 0) folded_b[filter] = beta[filter] - scale * running_mean[filter];
  for (std::int64_t i = threadIdx.x; i < row; i += kThreads) folded_w[filter * row + i] = scale * w[filter * row + i];
}

__global__ void __launch_bounds__(kThreads)
    column_sums_kernel(const float* x, std::int64_t rows, std::int64_t columns, float* sums) {
  const std::int64_t column = blockIdx.x * std::int64_t{kColumns} + threadIdx.x;
  double sum = 0;
  if (column < columns)
#pragma unroll 4
    for (std::int64_t row = threadIdx.y; row < rows; row += kLanes)
      sum += static_cast<double>(x[row * columns + column]);
  sum = sum_lanes(sum);
  if (column < columns && threadIdx.y == 0) sums[column] = static_cast<float>(sum);
}

}  // namespace

void bias_residual_relu(const Queue& queue, Element type, std::int64_t rows, std::int64_t channels, const void* x,
                        const float* bias, const void* residual, bool relu, void* y) {
  normalize(queue, type,
            {.rows = rows, .channels = channels, .x = x, .residual = residual, .shift = bias, .relu = relu, .y = y});
}

void fold_batch_norm(const Queue& queue, double eps, std::int64_t filters, std::int64_t row, const float* w,
                     const float* gamma, const float* beta, const float* running_mean, const float* running_var,
                     float* folded_w, float* folded_b) {
  if (filters == 0) return;
  launch(queue, static_cast<unsigned>(filters), kThreads, fold_batch_norm_kernel, eps, row, w, gamma, beta,
         running_mean, running_var, folded_w, folded_b);
}

void column_sums(const Queue& queue, const float* x, std::int64_t rows, std::int64_t columns, float* sums) {
  if (columns == 0) return;
  launch(queue, static_cast<unsigned>(ceil_div(columns, kColumns)), dim3(kColumns, kLanes), column_sums_kernel, x, rows,
         columns, sums);
}

}  // namespace tandem::cuda::kernels
