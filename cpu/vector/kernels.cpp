// Compiled once for each instruction set: TANDEM_ISA names it. See cpu/vector/simd.h for what may be included here.

#include "cpu/vector/kernels.h"

#include "cpu/vector/simd.h"

namespace tandem::cpu::TANDEM_ISA {
namespace {

template <class T>
void moments(const T* x, const float* shift, std::int64_t rows, std::int64_t c, float* sum, float* squares) {
  for (std::int64_t row = 0; row < rows; ++row, x += c)
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      const Vec value = get(x + i) - get(shift + i);
      put(sum + i, get(sum + i) + value);
      put(squares + i, fma(value, value, get(squares + i)));
    });
}

template <class T, bool kResidual, bool kRelu>
void normalize_rows(const T* x, const T* residual, const float* mean, const float* scale, const float* beta,
                    std::int64_t rows, std::int64_t c, T* y, std::uint8_t* mask) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      Vec value = fma(get(x + i) - get(mean + i), get(scale + i), get(beta + i));
      if constexpr (kResidual) value = value + get(residual + i);
      if constexpr (kRelu) {
        if (mask) store_bits(mask, i, c, positive(value));
        value = relu(value);
      }
      put(y + i, value);
    });
    x += c, y += c;
    if constexpr (kResidual) residual += c;
    if (kRelu && mask) mask += (c + 7) / 8;
  }
}

template <class T>
void normalize(const T* x, const T* residual, const float* mean, const float* scale, const float* beta, bool relu_after,
               std::int64_t rows, std::int64_t c, T* y, std::uint8_t* mask) {
  const auto run = residual ? (relu_after ? normalize_rows<T, true, true> : normalize_rows<T, true, false>)
                            : (relu_after ? normalize_rows<T, false, true> : normalize_rows<T, false, false>);
  run(x, residual, mean, scale, beta, rows, c, y, mask);
}

template <class T, bool kMask>
void backward_sums_rows(const T* dy, const T* x, const std::uint8_t* mask, const float* mean, std::int64_t rows,
                        std::int64_t c, float* sum_dy, float* sum_dy_x) {
  for (std::int64_t row = 0; row < rows; ++row, dy += c, x += c) {
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      Vec d = get(dy + i);
      if constexpr (kMask) d = keep(load_bits(mask, i, c), d);
      put(sum_dy + i, get(sum_dy + i) + d);
      put(sum_dy_x + i, fma(d, get(x + i) - get(mean + i), get(sum_dy_x + i)));
    });
    if constexpr (kMask) mask += (c + 7) / 8;
  }
}

template <class T>
void backward_sums(const T* dy, const T* x, const std::uint8_t* mask, const float* mean, std::int64_t rows,
                   std::int64_t c, float* sum_dy, float* sum_dy_x) {
  const auto run = mask ? backward_sums_rows<T, true> : backward_sums_rows<T, false>;
  run(dy, x, mask, mean, rows, c, sum_dy, sum_dy_x);
}

template <class T, bool kMask, bool kResidual>
void backward_apply_rows(const T* dy, const T* x, const std::uint8_t* mask, const BatchNormGradient& k,
                         std::int64_t rows, std::int64_t c, T* dx, T* dresidual) {
  for (std::int64_t row = 0; row < rows; ++row, dy += c, x += c, dx += c) {
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      Vec g = get(dy + i);
      if constexpr (kMask) g = keep(load_bits(mask, i, c), g);
      const Vec result = get(k.scale + i) * fma(get(x + i) - get(k.mean + i), get(k.slope + i), g - get(k.mean_dy + i));
      if constexpr (kResidual) put(dresidual + i, g);
      put(dx + i, result);
    });
    if constexpr (kMask) mask += (c + 7) / 8;
    if constexpr (kResidual) dresidual += c;
  }
}

template <class T>
void backward_apply(const T* dy, const T* x, const std::uint8_t* mask, const BatchNormGradient& coefficients,
                    std::int64_t rows, std::int64_t c, T* dx, T* dresidual) {
  const auto run = mask ? (dresidual ? backward_apply_rows<T, true, true> : backward_apply_rows<T, true, false>)
                        : (dresidual ? backward_apply_rows<T, false, true> : backward_apply_rows<T, false, false>);
  run(dy, x, mask, coefficients, rows, c, dx, dresidual);
}

template <class T>
void add(const T* a, const T* b, std::int64_t n, T* y) {
  for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(y + i, get(a + i) + get(b + i)); });
}

template <class T>
void relu_forward(const T* x, std::int64_t n, T* y) {
  for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(y + i, relu(get(x + i))); });
}

template <class T>
void relu_backward(const T* y, const T* dy, std::int64_t n, T* dx) {
  for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(dx + i, keep(positive(get(y + i)), get(dy + i))); });
}

// Pooling works on blocks of channels as arrays of floats, which the compiler vectorises: a position is chosen by a
// comparison in every lane.
constexpr int kBlock = 64;

template <class T>
void widen_block(const T* x, int n, float* y) {
  for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(y + i, get(x + i)); });
}

template <class T>
void max_pool(const T* const* taps, const std::uint8_t* position, int count, std::int64_t c, T* y,
              std::uint8_t* argmax) {
  for (std::int64_t begin = 0; begin < c; begin += kBlock) {
    const int n = static_cast<int>(c - begin < kBlock ? c - begin : kBlock);
    float best[kBlock], value[kBlock];
    std::uint32_t at[kBlock];
    widen_block(taps[0] + begin, n, best);
    for (int i = 0; i < n; ++i) at[i] = position[0];
    for (int tap = 1; tap < count; ++tap) {
      widen_block(taps[tap] + begin, n, value);
      const std::uint32_t here = position[tap];
      for (int i = 0; i < n; ++i) {
        const bool better = value[i] > best[i] || value[i] != value[i];
        at[i] = better ? here : at[i];
        best[i] = better ? value[i] : best[i];
      }
    }
    for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(y + begin + i, get(best + i)); });
    for (int i = 0; i < n; ++i) argmax[begin + i] = static_cast<std::uint8_t>(at[i]);
  }
}

template <class T>
void max_pool_backward(const T* const* dy, const std::uint8_t* const* argmax, const std::uint8_t* position, int count,
                       std::int64_t c, T* dx) {
  for (std::int64_t begin = 0; begin < c; begin += kBlock) {
    const int n = static_cast<int>(c - begin < kBlock ? c - begin : kBlock);
    float sum[kBlock] = {}, value[kBlock];
    for (int window = 0; window < count; ++window) {
      widen_block(dy[window] + begin, n, value);
      const std::uint8_t* at = argmax[window] + begin;
      const std::uint8_t here = position[window];
      for (int i = 0; i < n; ++i) sum[i] += at[i] == here ? value[i] : 0.0F;
    }
    for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(dx + begin + i, get(sum + i)); });
  }
}

template <class T>
void sum_rows(const T* x, std::int64_t rows, std::int64_t c, float* sum) {
  for (std::int64_t row = 0; row < rows; ++row, x += c)
    for_vectors(c, [&](std::int64_t i, auto get, auto put) { put(sum + i, get(sum + i) + get(x + i)); });
}

template <class T>
void broadcast(const float* value, std::int64_t rows, std::int64_t c, T* y) {
  for (std::int64_t row = 0; row < rows; ++row, y += c)
    for_vectors(c, [&](std::int64_t i, auto get, auto put) { put(y + i, get(value + i)); });
}

template <class T>
void normalize_images(const std::uint8_t* pixels, const float* scale, const float* shift, std::int64_t n, T* y) {
  // 48 pixels' components at a time: a multiple of three colours and of every vector width.
  constexpr int kRun = 48;
  float scales[kRun], shifts[kRun], values[kRun];
  for (int i = 0; i < kRun; ++i) scales[i] = scale[i % 3], shifts[i] = shift[i % 3];
  for (std::int64_t begin = 0; begin < n; begin += kRun) {
    const int count = static_cast<int>(n - begin < kRun ? n - begin : kRun);
    for (int i = 0; i < count; ++i) values[i] = static_cast<float>(pixels[begin + i]) * scales[i] + shifts[i];
    for_vectors(count, [&](std::int64_t i, auto get, auto put) { put(y + begin + i, get(values + i)); });
  }
}

void narrow(const float* x, std::int64_t n, std::uint16_t* y) {
  for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(y + i, get(x + i)); });
}

void widen(const std::uint16_t* x, std::int64_t n, float* y) {
  for_vectors(n, [&](std::int64_t i, auto get, auto put) { put(y + i, get(x + i)); });
}

void sgd(const SgdCoefficients& k, const float* gradient, std::int64_t n, float* weight, float* velocity) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] + k.weight_decay * weight[i];
    const float v = k.momentum * velocity[i] + g;
    velocity[i] = v;
    weight[i] -= k.lr * (k.nesterov ? g + k.momentum * v : v);
  }
}

template <class T>
constexpr ActivationKernels<T> activation_kernels() {
  return {moments<T>,       normalize<T>, backward_sums<T>,     backward_apply<T>, add<T>,       relu_forward<T>,
          relu_backward<T>, max_pool<T>,  max_pool_backward<T>, sum_rows<T>,       broadcast<T>, normalize_images<T>};
}

constexpr const char* name_of_isa() {
#if defined(__AVX512F__)
  return "avx512";
#elif defined(__AVX2__)
  return "avx2";
#else
  return "baseline";
#endif
}

}  // namespace

const VectorKernels& kernels() {
  static constexpr VectorKernels kTable{
      name_of_isa(), activation_kernels<float>(), activation_kernels<std::uint16_t>(), narrow, widen, sgd};
  return kTable;
}

}  // namespace tandem::cpu::TANDEM_ISA
