#include "cuda/kernels/optimizer.h"

#include <algorithm>

#include "cuda/kernels/support/dispatch.cuh"
#include "cuda/kernels/support/launch.cuh"
#include "cuda/kernels/support/pack.cuh"

namespace tandem::cuda::kernels {
namespace {

// Many tensors in one launch: each is cut into chunks, one block for each chunk. -------------------------------------

constexpr std::int64_t kChunk = 32 * kThreads;  // elements: four packs per thread
constexpr int kMostTensors = 64;                // per launch: its parameters are at most 4 KiB

std::int64_t chunks_of(std::int64_t size) { return ceil_div(size, kChunk); }

template <class Tensor>
struct Batch {
  Tensor tensors[kMostTensors];
  std::int64_t behind[kMostTensors];  // chunks of the tensors up to and including this one
  int count = 0;
};

/// Calls body(batch, chunks of the batch, chunks of the batches before).
template <class Tensor, class Body>
void for_each_batch(std::span<const Tensor> tensors, const Body& body) {
  std::int64_t before = 0;
  while (!tensors.empty()) {
    Batch<Tensor> batch{};
    std::int64_t chunks = 0;
    const auto taken = std::min<std::size_t>(tensors.size(), kMostTensors);
    for (const Tensor& tensor : tensors.first(taken)) {
      chunks += chunks_of(tensor.size);
      batch.tensors[batch.count] = tensor;
      batch.behind[batch.count++] = chunks;
    }
    if (chunks > 0) body(batch, chunks, before);
    before += chunks;
    tensors = tensors.subspan(taken);
  }
}

/// The elements [begin, end) of a tensor that are this block's.
struct Part {
  int tensor;
  std::int64_t begin, end;

  template <class Tensor>
  __device__ explicit Part(const Batch<Tensor>& batch) {
    const std::int64_t chunk = blockIdx.x;
    int low = 0, high = batch.count - 1;  // the tensor is one of these: the first with more chunks behind than `chunk`
    while (low < high) {
      const int middle = (low + high) / 2;
      if (batch.behind[middle] > chunk)
        high = middle;
      else
        low = middle + 1;
    }
    tensor = low;
    begin = (chunk - (low > 0 ? batch.behind[low - 1] : 0)) * kChunk;
    const std::int64_t size = batch.tensors[low].size;
    end = size - begin < kChunk ? size : begin + kChunk;
  }
};

__device__ bool aligned_16(const void* a, const void* b, const void* c, const void* d) {
  return ((reinterpret_cast<std::uintptr_t>(a) | reinterpret_cast<std::uintptr_t>(b) |
           reinterpret_cast<std::uintptr_t>(c) | reinterpret_cast<std::uintptr_t>(d)) %
          16) == 0;
}

/// Calls body(index of a pack's first element, its elements) for this thread's packs of the part.
template <class Body>
__device__ __forceinline__ void for_each_pack(const Part& part, const Body& body) {
  for (std::int64_t at = part.begin + threadIdx.x * kPack; at < part.end; at += kThreads * kPack)
    body(at, part.end - at < kPack ? static_cast<int>(part.end - at) : kPack);
}

template <bool kAligned>
__device__ __forceinline__ void load(const float* p, int count, float (&values)[kPack]) {
  to_floats(load_pack<kAligned>(p, count), values);
}
template <bool kAligned>
__device__ __forceinline__ void store(const float (&values)[kPack], float* p, int count) {
  store_pack<kAligned>(from_floats<float>(values), p, count);
}

__device__ bool skips(const UpdateScalars& scalars) {
  return scalars.gradient_norm != nullptr && !isfinite(*scalars.gradient_norm);
}
__device__ float unscaling(const UpdateScalars& scalars) {
  return scalars.loss_scale != nullptr ? 1 / *scalars.loss_scale : 1;
}

// SGD. --------------------------------------------------------------------------------------------------------------

struct SgdFactors {
  float momentum;
  bool nesterov;
};

template <bool kAligned>
__device__ __forceinline__ void update(const SgdTensor& t, const Part& part, const SgdFactors& k, float lr,
                                       float unscale) {
  const float decay = static_cast<float>(t.weight_decay);
  for_each_pack(part, [&](std::int64_t at, int count) {
    float w[kPack], g[kPack], v[kPack];
    load<kAligned>(t.weight + at, count, w);
    load<kAligned>(t.gradient + at, count, g);
    load<kAligned>(t.velocity + at, count, v);
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      const float gradient = g[i] * unscale + decay * w[i];
      v[i] = k.momentum * v[i] + gradient;
      w[i] -= lr * (k.nesterov ? gradient + k.momentum * v[i] : v[i]);
    }
    store<kAligned>(v, t.velocity + at, count);
    store<kAligned>(w, t.weight + at, count);
  });
}

__global__ void __launch_bounds__(kThreads)
    sgd_kernel(const __grid_constant__ Batch<SgdTensor> batch, SgdFactors factors, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const SgdTensor& t = batch.tensors[part.tensor];
  const float lr = *scalars.scalars, unscale = unscaling(scalars);
  if (aligned_16(t.weight, t.gradient, t.velocity, nullptr))
    update<true>(t, part, factors, lr, unscale);
  else
    update<false>(t, part, factors, lr, unscale);
}

// Adam. -------------------------------------------------------------------------------------------------------------

/// Rounded to f32 once each: 1 - beta2 in f32 would be off by 1e-5.
struct AdamNumbers {
  float beta1, rest1, beta2, rest2, eps;
  bool decoupled;
};

template <bool kAligned>
__device__ __forceinline__ void update(const AdamTensor& t, const Part& part, const AdamNumbers& k,
                                       const UpdateScalars& scalars) {
  const float lr = scalars.scalars[0], unbias1 = scalars.scalars[1], unbias2 = scalars.scalars[2];
  const float unscale = unscaling(scalars), decay = static_cast<float>(t.weight_decay);
  for_each_pack(part, [&](std::int64_t at, int count) {
    float w[kPack], g[kPack], first[kPack], second[kPack];
    load<kAligned>(t.weight + at, count, w);
    load<kAligned>(t.gradient + at, count, g);
    load<kAligned>(t.first + at, count, first);
    load<kAligned>(t.second + at, count, second);
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      float gradient = g[i] * unscale;
      if (k.decoupled)
        w[i] -= lr * decay * w[i];
      else
        gradient += decay * w[i];
      first[i] = k.beta1 * first[i] + k.rest1 * gradient;
      second[i] = k.beta2 * second[i] + k.rest2 * gradient * gradient;
      w[i] -= lr * unbias1 * first[i] / (sqrtf(unbias2 * second[i]) + k.eps);
    }
    store<kAligned>(first, t.first + at, count);
    store<kAligned>(second, t.second + at, count);
    store<kAligned>(w, t.weight + at, count);
  });
}

__global__ void __launch_bounds__(kThreads)
    adam_kernel(const __grid_constant__ Batch<AdamTensor> batch, AdamNumbers numbers, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const AdamTensor& t = batch.tensors[part.tensor];
  if (aligned_16(t.weight, t.gradient, t.first, t.second))
    update<true>(t, part, numbers, scalars);
  else
    update<false>(t, part, numbers, scalars);
}

// Moving averages. --------------------------------------------------------------------------------------------------

template <bool kAligned>
__device__ __forceinline__ void update(const AverageTensor& t, const Part& part, float share) {
  for_each_pack(part, [&](std::int64_t at, int count) {
    float average[kPack], value[kPack];
    load<kAligned>(t.average + at, count, average);
    load<kAligned>(t.value + at, count, value);
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      const float difference = value[i] - average[i];
      average[i] = share < 0.5F ? average[i] + share * difference : value[i] - (1 - share) * difference;
    }
    store<kAligned>(average, t.average + at, count);
  });
}

__global__ void __launch_bounds__(kThreads)
    average_kernel(const __grid_constant__ Batch<AverageTensor> batch, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const AverageTensor& t = batch.tensors[part.tensor];
  if (aligned_16(t.average, t.value, nullptr, nullptr))
    update<true>(t, part, *scalars.scalars);
  else
    update<false>(t, part, *scalars.scalars);
}

// Norm and loss scale. ----------------------------------------------------------------------------------------------

/// The sum of the block's values, in thread 0.
__device__ double sum_block(double value) {
  __shared__ double shared[kThreads];
  shared[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
  }
  return shared[0];
}

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

void sgd_update(const Queue& queue, double momentum, bool nesterov, const UpdateScalars& scalars,
                std::span<const SgdTensor> tensors) {
  const SgdFactors factors{static_cast<float>(momentum), nesterov};
  for_each_batch(tensors, [&](const Batch<SgdTensor>& batch, std::int64_t chunks, std::int64_t) {
    launch(queue, static_cast<unsigned>(chunks), kThreads, sgd_kernel, batch, factors, scalars);
  });
}

void adam_update(const Queue& queue, const AdamFactors& factors, const UpdateScalars& scalars,
                 std::span<const AdamTensor> tensors) {
  const AdamNumbers numbers{static_cast<float>(factors.beta1), static_cast<float>(1 - factors.beta1),
                            static_cast<float>(factors.beta2), static_cast<float>(1 - factors.beta2),
                            static_cast<float>(factors.eps),   factors.decoupled};
  for_each_batch(tensors, [&](const Batch<AdamTensor>& batch, std::int64_t chunks, std::int64_t) {
    launch(queue, static_cast<unsigned>(chunks), kThreads, adam_kernel, batch, numbers, scalars);
  });
}

void average_update(const Queue& queue, const UpdateScalars& scalars, std::span<const AverageTensor> tensors) {
  for_each_batch(tensors, [&](const Batch<AverageTensor>& batch, std::int64_t chunks, std::int64_t) {
    launch(queue, static_cast<unsigned>(chunks), kThreads, average_kernel, batch, scalars);
  });
}

std::size_t gradient_norm_workspace(std::span<const ConstTensor> tensors) {
  std::int64_t chunks = 0;
  for (const ConstTensor& tensor : tensors) chunks += chunks_of(tensor.size);
  return static_cast<std::size_t>(chunks) * sizeof(double);
}

void gradient_norm(const Queue& queue, std::span<const ConstTensor> tensors, float* norm, void* workspace) {
  auto* const sums = static_cast<double*>(workspace);
  std::int64_t count = 0;
  for_each_batch(tensors, [&](const Batch<ConstTensor>& batch, std::int64_t chunks, std::int64_t before) {
    launch(queue, static_cast<unsigned>(chunks), kThreads, squares_kernel, batch, sums + before);
    count = before + chunks;
  });
  launch(queue, 1, kThreads, finish_norm_kernel, sums, count, norm);
}

void update_loss_scale(const Queue& queue, double growth, double backoff, int interval, const float* gradient_norm,
                       float* loss_scale) {
  launch(queue, 1, 1, update_loss_scale_kernel, static_cast<float>(growth), static_cast<float>(backoff),
         static_cast<float>(interval), gradient_norm, loss_scale);
}

}  // namespace tandem::cuda::kernels
