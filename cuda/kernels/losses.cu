#include "cuda/kernels/losses.h"

#include "cuda/kernels/support/dispatch.cuh"
#include "cuda/kernels/support/launch.cuh"

namespace tandem::cuda::kernels {
namespace {

// A warp takes one row: lane i has elements i, i + 32, and so on. --------------------------------------------------

constexpr int kLanesOfWarp = 32, kRowsOfBlock = kThreads / kLanesOfWarp;
constexpr unsigned kAllLanes = 0xFFFFFFFFU;

__device__ int lane() { return static_cast<int>(threadIdx.x) % kLanesOfWarp; }
__device__ std::int64_t row_of_warp() {
  return blockIdx.x * std::int64_t{kRowsOfBlock} + threadIdx.x / static_cast<unsigned>(kLanesOfWarp);
}
unsigned grid_of(std::int64_t rows) {
  return static_cast<unsigned>(std::max<std::int64_t>(1, ceil_div(rows, kRowsOfBlock)));
}

/// In every lane: op over the lanes' values.
template <class T, class Op>
__device__ T reduce_warp(T value, const Op& op) {
#pragma unroll
  for (int distance = kLanesOfWarp / 2; distance > 0; distance /= 2)
    value = op(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}
template <class T>
__device__ T sum_warp(T value) {
  return reduce_warp(value, [](T a, T b) { return a + b; });
}

/// loss = factor * the sum of a number for each row, by one block.
__global__ void __launch_bounds__(kThreads)
    finish_loss_kernel(const double* of_rows, std::int64_t rows, double factor, float* loss) {
  __shared__ double sums[kThreads];
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < rows; i += kThreads) sum += of_rows[i];
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) *loss = static_cast<float>(factor * sums[0]);
}

// Softmax. ----------------------------------------------------------------------------------------------------------

struct Smoothing {
  double hot, all;  // the target: `all` in every class, plus `hot` in the label's
};

/// In f64, as on the CPU: close to the end of a training, the loss is the small difference of large terms.
__global__ void __launch_bounds__(kThreads)
    softmax_kernel(const float* logits, const std::int32_t* labels, std::int64_t rows, std::int64_t classes,
                   Smoothing smoothing, float* dlogits, double* losses) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // whole warps leave
  const float* const z = logits + row * classes;
  const std::int64_t label = labels[row];
  float highest = -INFINITY;
  for (std::int64_t k = lane(); k < classes; k += kLanesOfWarp) highest = fmaxf(highest, z[k]);
  const double top = static_cast<double>(reduce_warp(highest, [](float a, float b) { return fmaxf(a, b); }));
  double sum = 0;
  for (std::int64_t k = lane(); k < classes; k += kLanesOfWarp) sum += exp(static_cast<double>(z[k]) - top);
  sum = sum_warp(sum);

  const double log_sum = log(sum), per_row = 1 / static_cast<double>(rows);
  double loss = 0;
  for (std::int64_t k = lane(); k < classes; k += kLanesOfWarp) {
    const double log_p = static_cast<double>(z[k]) - top - log_sum;
    const double target = smoothing.all + (k == label ? smoothing.hot : 0);
    // A class with target 0 adds nothing, even if the logarithm of its probability is infinite.
    if (target != 0) loss -= target * log_p;
    dlogits[row * classes + k] = static_cast<float>((exp(log_p) - target) * per_row);
  }
  loss = sum_warp(loss);
  if (lane() == 0) losses[row] = loss;
}

}  // namespace

std::size_t loss_workspace(std::int64_t rows) { return static_cast<std::size_t>(rows) * sizeof(double); }

void softmax_cross_entropy(const Queue& queue, const float* logits, const std::int32_t* labels, std::int64_t rows,
                           std::int64_t classes, double smoothing, float* loss, float* dlogits, void* workspace) {
  auto* const losses = static_cast<double*>(workspace);
  const Smoothing target{1 - smoothing, smoothing / static_cast<double>(classes)};
  launch(queue, grid_of(rows), kThreads, softmax_kernel, logits, labels, rows, classes, target, dlogits, losses);
  launch(queue, 1, kThreads, finish_loss_kernel, losses, rows, 1 / static_cast<double>(rows), loss);
}

}  // namespace tandem::cuda::kernels
