#include "cuda/kernels/elementwise.h"

#include "core/backend/image_net.h"
#include "cuda/kernels/support/dispatch.cuh"
#include "cuda/kernels/support/launch.cuh"
#include "cuda/kernels/support/pack.cuh"

namespace tandem::cuda::kernels {
namespace {

// y = op(elements of the inputs). -----------------------------------------------------------------------------------

struct Constant {
  float value;
  __device__ float operator()() const { return value; }
};
struct Same {
  __device__ float operator()(float x) const { return x; }
};
struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Relu {
  __device__ float operator()(float x) const { return x < 0 ? 0 : x; }  // NaN stays NaN
};
struct ReluGradient {
  __device__ float operator()(float y, float dy) const { return y > 0 ? dy : 0; }
};
template <bool kAligned, class Op, class To, class... From>
__global__ void __launch_bounds__(kThreads) map_kernel(Op op, std::int64_t n, To* y, const From*... inputs) {
  constexpr std::int64_t kBlock = kThreads * kPack;
  for (std::int64_t at = blockIdx.x * kBlock + threadIdx.x * kPack; at < n; at += gridDim.x * kBlock) {
    const int count = n - at < kPack ? static_cast<int>(n - at) : kPack;
    float values[sizeof...(From) + 1][kPack];  // of the inputs, then the results
    int input = 0;
    (to_floats(load_pack<kAligned>(inputs + at, count), values[input++]), ...);
    float(&results)[kPack] = values[sizeof...(From)];
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      if constexpr (sizeof...(From) == 0)
        results[i] = op();
      else if constexpr (sizeof...(From) == 1)
        results[i] = op(values[0][i]);
      else
        results[i] = op(values[0][i], values[1][i]);
    }
    store_pack<kAligned>(from_floats<To>(results), y + at, count);
  }
}

template <class Op, class To, class... From>
void map(const Queue& queue, const Op& op, std::int64_t n, To* y, const From*... inputs) {
  if (n == 0) return;
  with_flags(
      [&](auto is_aligned) {
        launch(queue, grid_for(queue, n, kThreads * kPack), kThreads,
               map_kernel<decltype(is_aligned)::value, Op, To, From...>, op, n, y, inputs...);
      },
      aligned({y, inputs...}));
}

// Channels. ---------------------------------------------------------------------------------------------------------

/// A thread makes one pack of `to`, which may reach over several rows.
template <class From, class To>
__global__ void __launch_bounds__(kThreads)
    resize_channels_kernel(const From* from, int from_channels, std::int64_t n, To* to, int to_channels) {
  constexpr std::int64_t kBlock = kThreads * kPack;
  for (std::int64_t at = blockIdx.x * kBlock + threadIdx.x * kPack; at < n; at += gridDim.x * kBlock) {
    const int count = n - at < kPack ? static_cast<int>(n - at) : kPack;
    const From* row = from + at / to_channels * from_channels;
    int channel = static_cast<int>(at % to_channels);
    float values[kPack];
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      values[i] = i < count && channel < from_channels ? to_float(row[channel]) : 0;
      if (++channel == to_channels) channel = 0, row += from_channels;
    }
    store_pack<true>(from_floats<To>(values), to + at, count);
  }
}

// Images. -----------------------------------------------------------------------------------------------------------

/// y = pixel * scale + shift for each of the three colours.
struct Colours {
  float scale[3], shift[3];
};

Colours image_net() {
  Colours colours;
  for (int c = 0; c < 3; ++c) {
    colours.scale[c] = static_cast<float>(1 / (255 * kImageNetStd[c]));
    colours.shift[c] = static_cast<float>(-kImageNetMean[c] / kImageNetStd[c]);
  }
  return colours;
}

/// A thread's pixels: 16 bytes of u8.
constexpr int kBytes = 16;

template <class T>
__global__ void __launch_bounds__(kThreads)
    normalize_images_kernel(Colours colours, const std::uint8_t* pixels, std::int64_t n, T* y) {
  constexpr std::int64_t kBlock = kThreads * kBytes;
  for (std::int64_t at = blockIdx.x * kBlock + threadIdx.x * kBytes; at < n; at += gridDim.x * kBlock) {
    const int phase = static_cast<int>(at % 3);
    // Rotated, so that byte i of this thread is of colour i % 3.
    float scale[3], shift[3];
#pragma unroll
    for (int i = 0; i < 3; ++i) {
      const int colour = phase + i < 3 ? phase + i : phase + i - 3;
      scale[i] = colour == 0 ? colours.scale[0] : colour == 1 ? colours.scale[1] : colours.scale[2];
      shift[i] = colour == 0 ? colours.shift[0] : colour == 1 ? colours.shift[1] : colours.shift[2];
    }
    if (n - at < kBytes) {
#pragma unroll
      for (int i = 0; i < kBytes; ++i)
        if (i < n - at) y[at + i] = from_float<T>(fmaf(static_cast<float>(pixels[at + i]), scale[i % 3], shift[i % 3]));
      return;
    }
    const uint4 four = *reinterpret_cast<const uint4*>(pixels + at);
    const std::uint32_t words[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
    for (int half = 0; half < kBytes; half += kPack) {
      float values[kPack];
#pragma unroll
      for (int i = 0; i < kPack; ++i) {
        const int byte = half + i;
        const float pixel = static_cast<float>(words[byte / 4] >> (byte % 4 * 8) & 0xFFU);
        values[i] = fmaf(pixel, scale[byte % 3], shift[byte % 3]);
      }
      store_pack<true>(from_floats<T>(values), y + at + half, kPack);
    }
  }
}

/// The same for addresses that do not allow wide accesses.
template <class T>
__global__ void __launch_bounds__(kThreads)
    normalize_bytes_kernel(Colours colours, const std::uint8_t* pixels, std::int64_t n, T* y) {
  for (std::int64_t at = blockIdx.x * std::int64_t{kThreads} + threadIdx.x; at < n;
       at += gridDim.x * std::int64_t{kThreads}) {
    const int colour = static_cast<int>(at % 3);
    y[at] = from_float<T>(fmaf(static_cast<float>(pixels[at]), colours.scale[colour], colours.shift[colour]));
  }
}

// Scalars. ----------------------------------------------------------------------------------------------------------

struct Terms {
  const float* terms[kMostTerms];
  int count;
};

__global__ void weighted_sum_kernel(const __grid_constant__ Terms terms, const float* weights, float* out) {
  double sum = 0;
  for (int i = 0; i < terms.count; ++i) sum += static_cast<double>(weights[i]) * static_cast<double>(*terms.terms[i]);
  *out = static_cast<float>(sum);
}

}  // namespace

void fill(const Queue& queue, float value, std::int64_t n, float* x) { map(queue, Constant{value}, n, x); }

void cast(const Queue& queue, Element from_type, const void* from, std::int64_t n, Element to_type, void* to) {
  with_type(from_type, [&](auto from_element) {
    with_type(to_type, [&](auto to_element) {
      map(queue, Same{}, n, static_cast<decltype(to_element)*>(to), static_cast<const decltype(from_element)*>(from));
    });
  });
}

void resize_channels(const Queue& queue, Element from_type, const void* from, std::int64_t rows,
                     std::int64_t from_channels, Element to_type, void* to, std::int64_t to_channels) {
  const std::int64_t n = rows * to_channels;
  if (n == 0) return;
  with_type(from_type, [&](auto from_element) {
    with_type(to_type, [&](auto to_element) {
      using From = decltype(from_element);
      using To = decltype(to_element);
      launch(queue, grid_for(queue, n, kThreads * kPack), kThreads, resize_channels_kernel<From, To>,
             static_cast<const From*>(from), static_cast<int>(from_channels), n, static_cast<To*>(to),
             static_cast<int>(to_channels));
    });
  });
}

void add(const Queue& queue, Element type, const void* a, const void* b, std::int64_t n, void* y) {
  with_type(type, [&](auto element) {
    using T = decltype(element);
    map(queue, Sum{}, n, static_cast<T*>(y), static_cast<const T*>(a), static_cast<const T*>(b));
  });
}

void relu_forward(const Queue& queue, Element type, const void* x, std::int64_t n, void* y) {
  with_type(type, [&](auto element) {
    using T = decltype(element);
    map(queue, Relu{}, n, static_cast<T*>(y), static_cast<const T*>(x));
  });
}

void relu_backward(const Queue& queue, Element type, const void* y, const void* dy, std::int64_t n, void* dx) {
  with_type(type, [&](auto element) {
    using T = decltype(element);
    map(queue, ReluGradient{}, n, static_cast<T*>(dx), static_cast<const T*>(y), static_cast<const T*>(dy));
  });
}

void weighted_sum(const Queue& queue, std::span<const float* const> terms, const float* weights, float* out) {
  if (terms.size() > kMostTerms) fail_terms(terms.size());
  Terms list{};
  std::copy(terms.begin(), terms.end(), list.terms);
  list.count = static_cast<int>(terms.size());
  launch(queue, 1, 1, weighted_sum_kernel, list, weights, out);
}

void normalize_images(const Queue& queue, const std::uint8_t* pixels, std::int64_t count, Element type, void* y) {
  const std::int64_t n = 3 * count;
  if (n == 0) return;
  with_type(type, [&](auto element) {
    using T = decltype(element);
    const bool wide = aligned({pixels, y});
    launch(queue, grid_for(queue, n, kThreads * (wide ? kBytes : 1)), kThreads,
           wide ? normalize_images_kernel<T> : normalize_bytes_kernel<T>, image_net(), pixels, n, static_cast<T*>(y));
  });
}

}  // namespace tandem::cuda::kernels
