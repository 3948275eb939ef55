#include "cuda/kernels/normalize.h"

#include "cuda/kernels/support/columns.cuh"
#include "cuda/kernels/support/launch.cuh"

namespace tandem::cuda::kernels {
namespace {

struct Coefficients {
  float mean[kPack], scale[kPack], shift[kPack];

  __device__ Coefficients(const Normalization& a, const ThreadChannels& mine) {
    read_channels(a.shift, mine, shift);
    if (!a.mean) {
#pragma unroll
      for (int i = 0; i < kPack; ++i) mean[i] = 0, scale[i] = 1;
      return;
    }
    const std::int64_t group = blockIdx.z * a.channels;
    float spread[kPack];
    read_channels(a.mean + group, mine, mean);
    read_channels(a.spread + group, mine, spread);
    read_channels(a.gamma, mine, scale);
#pragma unroll
    for (int i = 0; i < kPack; ++i) scale[i] *= a.variance ? 1 / sqrtf(spread[i] + a.eps) : spread[i];
  }
};

/// One pack of the result. Bit i of the byte returned is set where value i is positive.
template <bool kResidual, bool kRelu, class T>
__device__ __forceinline__ unsigned transform(const Coefficients& k, const Pack<T>& x, const Pack<T>& residual,
                                              float (&values)[kPack]) {
  to_floats(x, values);
#pragma unroll
  for (int i = 0; i < kPack; ++i) values[i] = fmaf(values[i] - k.mean[i], k.scale[i], k.shift[i]);
  if constexpr (kResidual) {
    float added[kPack];
    to_floats(residual, added);
#pragma unroll
    for (int i = 0; i < kPack; ++i) values[i] += added[i];
  }
  unsigned positive = 0;
  if constexpr (kRelu) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      positive |= (values[i] > 0 ? 1U : 0U) << i;
      values[i] = values[i] < 0 ? 0 : values[i];  // NaN stays NaN
    }
  }
  return positive;
}

template <class T, bool kAligned, bool kResidual, bool kRelu>
__global__ void __launch_bounds__(kThreads, 3)
    normalize_kernel(const __grid_constant__ Normalization a, const __grid_constant__ Pieces cut) {
  constexpr int kInputs = kResidual ? 2 : 1, kRows = kPacksInFlight<T, kInputs>;
  const int channels = static_cast<int>(a.channels), bytes = (channels + kPack - 1) / kPack;
  const ThreadChannels mine(channels);
  if (mine.count == 0) return;
  const Coefficients coefficients(a, mine);
  const std::int64_t base = blockIdx.z * a.rows;
  const T* const x = static_cast<const T*>(a.x) + base * channels + mine.first;
  const T* const residual = kResidual ? static_cast<const T*>(a.residual) + base * channels + mine.first : nullptr;
  T* const y = static_cast<T*>(a.y) + base * channels + mine.first;
  std::uint8_t* const mask = kRelu && a.mask ? a.mask + base * bytes + mine.first / kPack : nullptr;

  const int count = kAligned ? kPack : mine.count;
  const std::int64_t down = blockDim.y;
  for (std::int64_t chunk = blockIdx.y; chunk < cut.chunks; chunk += cut.pieces) {
    const std::int64_t first = chunk * cut.height + threadIdx.y;
    Pack<T> from[kRows], added[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t row = first + r * down;
      if (row >= a.rows) continue;
      from[r] = load_pack<kAligned>(x + row * channels, count);
      if constexpr (kResidual) added[r] = load_pack<kAligned>(residual + row * channels, count);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t row = first + r * down;
      if (row >= a.rows) continue;
      float values[kPack];
      const unsigned positive = transform<kResidual, kRelu>(coefficients, from[r], added[r], values);
      store_pack<kAligned>(from_floats<T>(values), y + row * channels, count);
      if (kRelu && mask) mask[row * bytes] = static_cast<std::uint8_t>(positive);
    }
  }
}

}  // namespace

void normalize(const Queue& queue, Element type, const Normalization& a) {
  if (a.rows * a.channels * a.groups == 0) return;
  const Strips strips(a.channels);
  with_type(type, [&](auto element) {
    using T = decltype(element);
    const int each = a.residual ? kPacksInFlight<T, 2> : kPacksInFlight<T, 1>;
    // Two rounds of the three blocks that fit on a multiprocessor.
    const Pieces cut(a.rows, strips.down, each,
                     ceil_div(std::int64_t{queue.multiprocessors} * 6, strips.count * a.groups));
    const dim3 grid(static_cast<unsigned>(strips.count), static_cast<unsigned>(cut.pieces),
                    static_cast<unsigned>(a.groups));
    with_flags(
        [&](auto is_aligned, auto has_residual, auto relu) {
          launch(queue, grid, strips.block(),
                 normalize_kernel<T, decltype(is_aligned)::value, decltype(has_residual)::value, decltype(relu)::value>,
                 a, cut);
        },
        a.channels % kPack == 0 && aligned({a.x, a.residual, a.y}), a.residual != nullptr, a.relu);
  });
}

}  // namespace tandem::cuda::kernels
