#include "cuda/kernels/pooling.h"

#include "cuda/kernels/support/columns.cuh"
#include "cuda/kernels/support/launch.cuh"

namespace tandem::cuda::kernels {
namespace {

// Max pooling: a block takes a row of pixels, a thread takes a pack of a pixel's channels. --------------------------

/// Eight positions, one in each byte.
template <bool kAligned>
__device__ __forceinline__ void load_positions(const std::uint8_t* p, int count, unsigned (&positions)[kPack]) {
  if (kAligned) {
    const uint2 both = *reinterpret_cast<const uint2*>(p);
#pragma unroll
    for (int i = 0; i < kPack; ++i) positions[i] = (i < 4 ? both.x : both.y) >> (i % 4 * 8) & 0xFFU;
  } else {
#pragma unroll
    for (int i = 0; i < kPack; ++i) positions[i] = i < count ? p[i] : 0;
  }
}

template <bool kAligned>
__device__ __forceinline__ void store_positions(const unsigned (&positions)[kPack], std::uint8_t* p, int count) {
  if (kAligned) {
    const auto four = [&](int i) {
      return positions[i] | positions[i + 1] << 8 | positions[i + 2] << 16 | positions[i + 3] << 24;
    };
    *reinterpret_cast<uint2*>(p) = make_uint2(four(0), four(4));
  } else {
#pragma unroll
    for (int i = 0; i < kPack; ++i)
      if (i < count) p[i] = static_cast<std::uint8_t>(positions[i]);
  }
}

/// The sizes as the kernels use them: 64 bits for factors of offsets, 32 bits for divisors within a row.
struct PoolSizes {
  std::int64_t in_rows, out_rows;  // N * H, N * P
  int h, w, c, p, q, packs, window, stride, padding;

  explicit PoolSizes(const MaxPoolShape& z)
      : in_rows(z.n * z.h),
        out_rows(z.n * z.p),
        h(static_cast<int>(z.h)),
        w(static_cast<int>(z.w)),
        c(static_cast<int>(z.c)),
        p(static_cast<int>(z.p)),
        q(static_cast<int>(z.q)),
        packs(static_cast<int>(ceil_div(z.c, kPack))),
        window(z.window),
        stride(z.stride),
        padding(z.padding) {}
};

template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads)
    max_pool_forward_kernel(const __grid_constant__ PoolSizes z, const T* x, T* y, std::uint8_t* argmax) {
  for (std::int64_t row = blockIdx.x; row < z.out_rows; row += gridDim.x) {
    const std::int64_t image = row / z.p;
    const int top = static_cast<int>(row % z.p) * z.stride - z.padding;
    const int h_begin = max(top, 0), h_end = min(top + z.window, z.h);
    for (int item = static_cast<int>(threadIdx.x); item < z.q * z.packs; item += kThreads) {
      const int at = item / z.packs, channel = item % z.packs * kPack;
      const int count = kAligned ? kPack : min(kPack, z.c - channel);
      const int left = at * z.stride - z.padding, w_begin = max(left, 0), w_end = min(left + z.window, z.w);
      float best[kPack];
      unsigned position[kPack];
#pragma unroll
      for (int i = 0; i < kPack; ++i) {
        best[i] = -INFINITY;
        position[i] = static_cast<unsigned>((h_begin - top) * z.window + w_begin - left);
      }
      for (int h = h_begin; h < h_end; ++h)
        for (int w = w_begin; w < w_end; ++w) {
          const unsigned tap = static_cast<unsigned>((h - top) * z.window + w - left);
          float values[kPack];
          to_floats(load_pack<kAligned>(x + ((image * z.h + h) * z.w + w) * z.c + channel, count), values);
#pragma unroll
          for (int i = 0; i < kPack; ++i)
            if (values[i] > best[i] || values[i] != values[i]) best[i] = values[i], position[i] = tap;
        }
      const std::int64_t out = (row * z.q + at) * z.c + channel;
      store_pack<kAligned>(from_floats<T>(best), y + out, count);
      store_positions<kAligned>(position, argmax + out, count);
    }
  }
}

/// The windows [first, behind) that contain position i of an axis.
struct Windows {
  int begin, end;

  __device__ Windows(const PoolSizes& z, int i, int windows) {
    const int reach = i + z.padding - z.window + 1;
    begin = reach <= 0 ? 0 : (reach + z.stride - 1) / z.stride;
    end = min(windows, (i + z.padding) / z.stride + 1);
  }
};

template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads)
    max_pool_backward_kernel(const __grid_constant__ PoolSizes z, const T* dy, const std::uint8_t* argmax, T* dx) {
  for (std::int64_t row = blockIdx.x; row < z.in_rows; row += gridDim.x) {
    const std::int64_t image = row / z.h;
    const int h = static_cast<int>(row % z.h);
    const Windows down(z, h, z.p);
    for (int item = static_cast<int>(threadIdx.x); item < z.w * z.packs; item += kThreads) {
      const int w = item / z.packs, channel = item % z.packs * kPack;
      const int count = kAligned ? kPack : min(kPack, z.c - channel);
      const Windows across(z, w, z.q);
      float sum[kPack] = {};
      for (int i = down.begin; i < down.end; ++i)
        for (int j = across.begin; j < across.end; ++j) {
          const std::int64_t at = ((image * z.p + i) * z.q + j) * z.c + channel;
          const unsigned tap =
              static_cast<unsigned>((h - i * z.stride + z.padding) * z.window + w - j * z.stride + z.padding);
          float values[kPack];
          unsigned winner[kPack];
          to_floats(load_pack<kAligned>(dy + at, count), values);
          load_positions<kAligned>(argmax + at, count, winner);
#pragma unroll
          for (int k = 0; k < kPack; ++k) sum[k] += winner[k] == tap ? values[k] : 0;
        }
      store_pack<kAligned>(from_floats<T>(sum), dx + (row * z.w + w) * z.c + channel, count);
    }
  }
}

unsigned grid_of_rows(std::int64_t rows) {
  return static_cast<unsigned>(std::min<std::int64_t>(rows, std::int64_t{1} << 30));
}

// Means of squares: as max pooling, by windows that do not overlap. ---------------------------------------------------

MaxPoolShape windows_of(const SquaresShape& z) {
  return {z.n, z.h, z.w, z.c, ceil_div(z.h, z.side), ceil_div(z.w, z.side), z.side, z.side, 0};
}

template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads)
    average_squares_forward_kernel(const __grid_constant__ PoolSizes z, const T* x, T* y) {
  for (std::int64_t row = blockIdx.x; row < z.out_rows; row += gridDim.x) {
    const std::int64_t image = row / z.p;
    const int top = static_cast<int>(row % z.p) * z.window, bottom = min(top + z.window, z.h);
    for (int item = static_cast<int>(threadIdx.x); item < z.q * z.packs; item += kThreads) {
      const int at = item / z.packs, channel = item % z.packs * kPack;
      const int count = kAligned ? kPack : min(kPack, z.c - channel);
      const int left = at * z.window, right = min(left + z.window, z.w);
      float sum[kPack] = {};
      for (int h = top; h < bottom; ++h)
        for (int w = left; w < right; ++w) {
          float values[kPack];
          to_floats(load_pack<kAligned>(x + ((image * z.h + h) * z.w + w) * z.c + channel, count), values);
#pragma unroll
          for (int i = 0; i < kPack; ++i) sum[i] += values[i];
        }
#pragma unroll
      for (int i = 0; i < kPack; ++i) sum[i] /= static_cast<float>((bottom - top) * (right - left));
      store_pack<kAligned>(from_floats<T>(sum), y + (row * z.q + at) * z.c + channel, count);
    }
  }
}

template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads)
    average_squares_backward_kernel(const __grid_constant__ PoolSizes z, const T* dy, T* dx) {
  for (std::int64_t row = blockIdx.x; row < z.in_rows; row += gridDim.x) {
    const std::int64_t image = row / z.h;
    const int p = static_cast<int>(row % z.h) / z.window, rows = min(z.window, z.h - p * z.window);
    for (int item = static_cast<int>(threadIdx.x); item < z.w * z.packs; item += kThreads) {
      const int w = item / z.packs, channel = item % z.packs * kPack;
      const int count = kAligned ? kPack : min(kPack, z.c - channel);
      const int q = w / z.window, columns = min(z.window, z.w - q * z.window);
      float share[kPack];
      to_floats(load_pack<kAligned>(dy + ((image * z.p + p) * z.q + q) * z.c + channel, count), share);
#pragma unroll
      for (int i = 0; i < kPack; ++i) share[i] /= static_cast<float>(rows * columns);
      store_pack<kAligned>(from_floats<T>(share), dx + (row * z.w + w) * z.c + channel, count);
    }
  }
}

// Average pooling: a block takes an image's strip of channels. -------------------------------------------------------

template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads)
    average_pool_forward_kernel(const T* x, std::int64_t area, int channels, float* y) {
  const ThreadChannels mine(channels);
  const std::int64_t image = blockIdx.y;
  x += image * area * channels + mine.first;
  float sums[1][kPack] = {};
  if (mine.count > 0)
#pragma unroll 4
    for (std::int64_t row = threadIdx.y; row < area; row += blockDim.y) {
      float values[kPack];
      to_floats(load_pack<kAligned>(x + row * channels, kAligned ? kPack : mine.count), values);
#pragma unroll
      for (int i = 0; i < kPack; ++i) sums[0][i] += values[i];
    }
  reduce_columns(sums, channels,
                 [&](int, int channel, float sum) { y[image * channels + channel] = sum / static_cast<float>(area); });
}

template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads)
    average_pool_backward_kernel(const float* dy, std::int64_t area, int channels, T* dx) {
  const ThreadChannels mine(channels);
  if (mine.count == 0) return;
  const std::int64_t image = blockIdx.y;
  float share[kPack];
  read_channels(dy + image * channels, mine, share);
#pragma unroll
  for (int i = 0; i < kPack; ++i) share[i] /= static_cast<float>(area);
  const Pack<T> pack = from_floats<T>(share);
  dx += image * area * channels + mine.first;
  for (std::int64_t row = threadIdx.y; row < area; row += blockDim.y)
    store_pack<kAligned>(pack, dx + row * channels, kAligned ? kPack : mine.count);
}

/// Calls body(first image, images) for as many images as a grid can have in y.
template <class Body>
void for_images(std::int64_t images, const Body& body) {
  constexpr std::int64_t kMost = 65535;
  for (std::int64_t first = 0; first < images; first += kMost) body(first, std::min(kMost, images - first));
}

}  // namespace

void max_pool_forward(const Queue& queue, Element type, const MaxPoolShape& shape, const void* x, void* y,
                      std::uint8_t* argmax) {
  const PoolSizes sizes(shape);
  if (sizes.out_rows * sizes.q * sizes.c == 0) return;
  with_type(type, [&](auto element) {
    using T = decltype(element);
    with_flags(
        [&](auto is_aligned) {
          launch(queue, grid_of_rows(sizes.out_rows), kThreads, max_pool_forward_kernel<T, decltype(is_aligned)::value>,
                 sizes, static_cast<const T*>(x), static_cast<T*>(y), argmax);
        },
        sizes.c % kPack == 0 && aligned({x, y, argmax}));
  });
}

void max_pool_backward(const Queue& queue, Element type, const MaxPoolShape& shape, const void* dy,
                       const std::uint8_t* argmax, void* dx) {
  const PoolSizes sizes(shape);
  if (sizes.in_rows * sizes.w * sizes.c == 0) return;
  with_type(type, [&](auto element) {
    using T = decltype(element);
    with_flags(
        [&](auto is_aligned) {
          launch(queue, grid_of_rows(sizes.in_rows), kThreads, max_pool_backward_kernel<T, decltype(is_aligned)::value>,
                 sizes, static_cast<const T*>(dy), argmax, static_cast<T*>(dx));
        },
        sizes.c % kPack == 0 && aligned({dy, argmax, dx}));
  });
}

void average_squares_forward(const Queue& queue, Element type, const SquaresShape& shape, const void* x, void* y) {
  const PoolSizes sizes(windows_of(shape));
  if (sizes.out_rows * sizes.q * sizes.c == 0) return;
  with_type(type, [&](auto element) {
    using T = decltype(element);
    with_flags(
        [&](auto is_aligned) {
          launch(queue, grid_of_rows(sizes.out_rows), kThreads,
                 average_squares_forward_kernel<T, decltype(is_aligned)::value>, sizes, static_cast<const T*>(x),
                 static_cast<T*>(y));
        },
        sizes.c % kPack == 0 && aligned({x, y}));
  });
}

void average_squares_backward(const Queue& queue, Element type, const SquaresShape& shape, const void* dy, void* dx) {
  const PoolSizes sizes(windows_of(shape));
  if (sizes.in_rows * sizes.w * sizes.c == 0) return;
  with_type(type, [&](auto element) {
    using T = decltype(element);
    with_flags(
        [&](auto is_aligned) {
          launch(queue, grid_of_rows(sizes.in_rows), kThreads,
                 average_squares_backward_kernel<T, decltype(is_aligned)::value>, sizes, static_cast<const T*>(dy),
                 static_cast<T*>(dx));
        },
        sizes.c % kPack == 0 && aligned({dy, dx}));
  });
}

void average_pool_forward(const Queue& queue, Element type, std::int64_t images, std::int64_t area,
                          std::int64_t channels, const void* x, float* y) {
  if (images * channels == 0) return;
  const Strips strips(channels);
  with_type(type, [&](auto element) {
    using T = decltype(element);
    for_images(images, [&](std::int64_t first, std::int64_t count) {
      const dim3 grid(static_cast<unsigned>(strips.count), static_cast<unsigned>(count));
      with_flags(
          [&](auto is_aligned) {
            launch(queue, grid, strips.block(), average_pool_forward_kernel<T, decltype(is_aligned)::value>,
                   static_cast<const T*>(x) + first * area * channels, area, static_cast<int>(channels),
                   y + first * channels);
          },
          channels % kPack == 0 && aligned({x}));
    });
  });
}

void average_pool_backward(const Queue& queue, Element type, std::int64_t images, std::int64_t area,
                           std::int64_t channels, const float* dy, void* dx) {
  if (images * area * channels == 0) return;
  const Strips strips(channels);
  with_type(type, [&](auto element) {
    using T = decltype(element);
    for_images(images, [&](std::int64_t first, std::int64_t count) {
      const dim3 grid(static_cast<unsigned>(strips.count), static_cast<unsigned>(count));
      with_flags(
          [&](auto is_aligned) {
            launch(queue, grid, strips.block(), average_pool_backward_kernel<T, decltype(is_aligned)::value>,
                   dy + first * channels, area, static_cast<int>(channels),
                   static_cast<T*>(dx) + first * area * channels);
          },
          channels % kPack == 0 && aligned({dx}));
    });
  });
}

}  // namespace tandem::cuda::kernels
