#pragma once
// Many tensors in one launch: each is cut into chunks, one block for each chunk.

#include <algorithm>
#include <cstdint>
#include <span>

#include "cuda/kernels/support/dispatch.cuh"
#include "cuda/kernels/support/launch.cuh"
#include "cuda/kernels/support/pack.cuh"

namespace tandem::cuda::kernels {

inline constexpr std::int64_t kChunk = 32 * kThreads;  // elements: four packs per thread
inline constexpr int kMostTensors = 64;                // per launch: its parameters are at most 4 KiB

inline std::int64_t chunks_of(std::int64_t size) { return ceil_div(size, kChunk); }

template <class Tensor>
struct Batch {
  Tensor tensors[kMostTensors];
  std::int64_t behind[kMostTensors];  // chunks of the tensors up to and including this one
  std::int64_t before = 0;            // chunks of the batches before
  int count = 0;
  int first = 0;  // the number of the first of these tensors among all

  std::int64_t chunks() const { return behind[count - 1]; }
};

/// Calls body(batch) until every tensor was in one; not for batches without an element.
template <class Tensor, class Body>
void for_each_batch(std::span<const Tensor> tensors, const Body& body) {
  std::int64_t before = 0;
  int first = 0;
  while (!tensors.empty()) {
    Batch<Tensor> batch{};
    batch.before = before;
    batch.first = first;
    std::int64_t chunks = 0;
    const auto taken = std::min<std::size_t>(tensors.size(), kMostTensors);
    for (const Tensor& tensor : tensors.first(taken)) {
      chunks += chunks_of(tensor.size);
      batch.tensors[batch.count] = tensor;
      batch.behind[batch.count++] = chunks;
    }
    if (chunks > 0) body(batch);
    before += chunks;
    first += batch.count;
    tensors = tensors.subspan(taken);
  }
}

template <class Tensor>
std::int64_t chunks_of_all(std::span<const Tensor> tensors) {
  std::int64_t chunks = 0;
  for (const Tensor& tensor : tensors) chunks += chunks_of(tensor.size);
  return chunks;
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

__device__ inline bool aligned_16(const void* a, const void* b, const void* c, const void* d) {
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

/// The sum of the block's values, in thread 0.
__device__ inline double sum_block(double value) {
  __shared__ double shared[kThreads];
  shared[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
  }
  return shared[0];
}

}  // namespace tandem::cuda::kernels
