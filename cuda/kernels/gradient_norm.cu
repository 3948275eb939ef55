#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/support/tensor_lists.cuh"

namespace tandem::cuda::kernels {
namespace {

/// In f64, where the square of no f32 overflows.
template <bool kAligned>
__device__ __forceinline__ double sum_of_squares(const float* data, const Part& part) {
  double sum = 0;
  for_each_pack(part, [&](std::int64_t at, int count) {
    float values[kPack];
    load<kAligned>(data + at, count, values);
#pragma unroll
    for (int i = 0; i < kPack; ++i) sum = fma(static_cast<double>(values[i]), static_cast<double>(values[i]), sum);
  });
  return sum;
}

__global__ void __launch_bounds__(kThreads)
    squares_kernel(const __grid_constant__ Batch<ConstTensor> batch, double* sums) {
  const Part part(batch);
  const float* const data = batch.tensors[part.tensor].data;
  const double sum = sum_block(aligned_16(data, nullptr, nullptr, nullptr) ? sum_of_squares<true>(data, part)
                                                                           : sum_of_squares<false>(data, part));
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kThreads) finish_norm_kernel(const double* sums, std::int64_t count, float* norm) {
  double sum = 0;
#pragma unroll 4
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) sum += sums[i];
  sum = sum_block(sum);
  if (threadIdx.x == 0) *norm = static_cast<float>(sqrt(sum));
}

__global__ void update_loss_scale_kernel(float growth, float backoff, float interval, const float* gradient_norm,
                                         float* loss_scale) {
  float scale = loss_scale[0], steps = loss_scale[1] + 1;
  if (!isfinite(*gradient_norm))
    scale = fmaxf(1, scale * backoff), steps = 0;
  else if (steps >= interval)
    scale *= growth, steps = 0;
  loss_scale[0] = scale;
  loss_scale[1] = steps;
}

}  // namespace

std::size_t gradient_norm_workspace(std::span<const ConstTensor> tensors) {
  return static_cast<std::size_t>(chunks_of_all(tensors)) * sizeof(double);
}

void gradient_norm(const Queue& queue, std::span<const ConstTensor> tensors, float* norm, void* workspace) {
  auto* const sums = static_cast<double*>(workspace);
  for_each_batch(tensors, [&](const Batch<ConstTensor>& batch) {
    launch(queue, static_cast<unsigned>(batch.chunks()), kThreads, squares_kernel, batch, sums + batch.before);
  });
  launch(queue, 1, kThreads, finish_norm_kernel, sums, chunks_of_all(tensors), norm);
}

void update_loss_scale(const Queue& queue, double growth, double backoff, int interval, const float* gradient_norm,
                       float* loss_scale) {
  launch(queue, 1, 1, update_loss_scale_kernel, static_cast<float>(growth), static_cast<float>(backoff),
         static_cast<float>(interval), gradient_norm, loss_scale);
}

}  // namespace tandem::cuda::kernels
