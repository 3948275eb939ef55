#pragma once
// How a kernel's blocks cover a channels-last matrix (rows, C). Each block covers a strip of channels. Its threads walk
// down the rows and stay in their channels, so that a channel's values are read once and its sums stay in registers.

#include <algorithm>
#include <bit>
#include <cstdint>

#include "cuda/kernels/support/dispatch.cuh"
#include "cuda/kernels/support/pack.cuh"

namespace tandem::cuda::kernels {

/// The shape of a block: `across` threads, each with a pack of channels, times `down` rows; and how many such strips
/// cover C.
struct Strips {
  int across = 1, down = kThreads;
  std::int64_t count = 1;

  explicit Strips(std::int64_t channels) {
    const std::int64_t packs = ceil_div(channels, kPack);
    // A warp reads whole rows of narrow matrices, and 32 packs of wide ones: contiguous either way.
    across = static_cast<int>(std::bit_ceil(static_cast<std::uint64_t>(std::min<std::int64_t>(packs, 32))));
    down = kThreads / across;
    count = ceil_div(packs, across);
  }
  dim3 block() const { return dim3(static_cast<unsigned>(across), static_cast<unsigned>(down)); }
};

/// The rows of a matrix in chunks of `height`. The chunks go to `pieces` blocks in turn, so that all blocks together
/// move through the memory.
struct Pieces {
  std::int64_t rows = 0, chunks = 0;
  int height = 1, pieces = 1;

  Pieces() = default;
  /// `down` threads taking `each` rows at a time; at most `most` pieces.
  Pieces(std::int64_t row_count, int down, int each, std::int64_t most)
      : rows(row_count), chunks(ceil_div(row_count, static_cast<std::int64_t>(down) * each)), height(down * each) {
    pieces = static_cast<int>(std::clamp<std::int64_t>(most, 1, std::clamp<std::int64_t>(chunks, 1, 65535)));
  }
  /// The piece's last chunk; its first chunk has the number of the piece.
  __host__ __device__ std::int64_t last_chunk(int piece) const {
    return piece + (chunks - 1 - piece) / pieces * pieces;
  }
  /// Rows in the piece.
  __host__ __device__ std::int64_t rows_of(int piece) const {
    const std::int64_t last = last_chunk(piece), whole = (last - piece) / pieces * height;
    const std::int64_t left = rows - last * height;
    return whole + (left < height ? left : height);
  }
};

/// This thread's first channel, and how many of its pack's channels there are.
struct ThreadChannels {
  int first, count;

  __device__ explicit ThreadChannels(int channels) {
    first = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) * kPack;
    const int left = channels - first;
    count = left < 0 ? 0 : left < kPack ? left : kPack;
  }
};

/// The pack's values of a vector (C).
__device__ __forceinline__ void read_channels(const float* vector, const ThreadChannels& mine, float (&values)[kPack]) {
#pragma unroll
  for (int i = 0; i < kPack; ++i) values[i] = i < mine.count ? vector[mine.first + i] : 0;
}

/// Adds up each channel's sums over the block's rows of threads, and gives them to store(kind, channel, sum); one
/// thread handles each sum. Every thread of the block must call it, once in a kernel.
template <int kKinds, class Store>
__device__ __forceinline__ void reduce_columns(const float (&sums)[kKinds][kPack], int channels, const Store& store) {
  __shared__ float shared[kKinds][kThreads * kPack];
  const int width = static_cast<int>(blockDim.x) * kPack, down = static_cast<int>(blockDim.y);
  const int column = static_cast<int>(threadIdx.x) * kPack, row = static_cast<int>(threadIdx.y);
#pragma unroll
  for (int kind = 0; kind < kKinds; ++kind)
#pragma unroll
    for (int i = 0; i < kPack; ++i) shared[kind][row * width + column + i] = sums[kind][i];
  __syncthreads();
  for (int i = row * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x); i < kKinds * width; i += kThreads) {
    const int kind = i / width, of_strip = i % width, channel = static_cast<int>(blockIdx.x) * width + of_strip;
    double sum = 0;
    for (int y = 0; y < down; ++y) sum += static_cast<double>(shared[kind][y * width + of_strip]);
    if (channel < channels) store(kind, channel, static_cast<float>(sum));
  }
}

// Sums over few numbers per channel, in blocks of kColumns channels times kLanes threads. -----------------------------

inline constexpr int kColumns = 8, kLanes = kThreads / kColumns;

/// The sum over the block's rows of threads, for each column; to be called by every thread.
__device__ __forceinline__ double sum_lanes(double value) {
  __shared__ double shared[kLanes][kColumns];
  const unsigned x = threadIdx.x, y = threadIdx.y;
  shared[y][x] = value;
  __syncthreads();
#pragma unroll
  for (unsigned half = kLanes / 2; half > 0; half /= 2) {
    if (y < half) shared[y][x] += shared[y + half][x];
    __syncthreads();
  }
  const double sum = shared[0][x];
  __syncthreads();  // the next call may write now
  return sum;
}

}  // namespace tandem::cuda::kernels
