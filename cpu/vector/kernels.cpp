// Compiled once for each instruction set: TANDEM_ISA names it. See cpu/vector/simd.h for what may be included here.

#include "cpu/vector/kernels.h"

#include "cpu/vector/simd.h"

namespace tandem::cpu::TANDEM_ISA {
namespace {

template <class T>
void moments(const T* x, std::int64_t rows, std::int64_t c, float* shift, float* sum, float* squares) {
  for_vectors(c, [&](std::int64_t i, auto get, auto put) {
    put(shift + i, get(x + i));
    put(sum + i, zero());
    put(squares + i, zero());
  });
  for_row_runs(rows, c, [&](auto run, std::int64_t row) {
    const T* first = x + row * c;
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      const Vec about = get(shift + i);
      Vec sums = get(sum + i), sums2 = get(squares + i);
      for (int r = 0; r < decltype(run)::kCount; ++r) {
        const Vec value = get(first + r * c + i) - about;
        sums = sums + value;
        sums2 = fma(value, value, sums2);
      }
      put(sum + i, sums);
      put(squares + i, sums2);
    });
  });
}

/// Stores past the caches where the whole matrix is larger than they are, and its rows are whole vectors: memory that
/// is written whole need not be read first.
template <bool kStream>
struct Output {
  template <class T, class Put>
  static void write(T* p, Vec value, const Put& put) {
    if constexpr (kStream)
      stream(p, value);
    else
      put(p, value);
  }
};

template <class T>
bool can_stream(const T* p, std::int64_t c) {
  return c % (64 / static_cast<std::int64_t>(sizeof(T))) == 0 && reinterpret_cast<std::uintptr_t>(p) % 64 == 0;
}

template <class T, bool kResidual, bool kRelu, bool kStream>
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
      Output<kStream>::write(y + i, value, put);
    });
    x += c, y += c;
    if constexpr (kResidual) residual += c;
    if (kRelu && mask) mask += (c + 7) / 8;
  }
  if constexpr (kStream) finish_streams();
}

template <class T, bool kStream>
void normalize_to(const T* x, const T* residual, const float* mean, const float* scale, const float* beta,
                  bool relu_after, std::int64_t rows, std::int64_t c, T* y, std::uint8_t* mask) {
  const auto run =
      residual ? (relu_after ? normalize_rows<T, true, true, kStream> : normalize_rows<T, true, false, kStream>)
               : (relu_after ? normalize_rows<T, false, true, kStream> : normalize_rows<T, false, false, kStream>);
  run(x, residual, mean, scale, beta, rows, c, y, mask);
}

template <class T>
void normalize(const T* x, const T* residual, const float* mean, const float* scale, const float* beta, bool relu_after,
               std::int64_t rows, std::int64_t c, T* y, std::uint8_t* mask, bool large) {
  const auto run = large && can_stream(y, c) ? normalize_to<T, true> : normalize_to<T, false>;
  run(x, residual, mean, scale, beta, relu_after, rows, c, y, mask);
}

template <class T, bool kMask>
void backward_sums_of(const T* dy, const T* x, const std::uint8_t* mask, const float* mean, std::int64_t rows,
                      std::int64_t c, float* sum_dy, float* sum_dy_x) {
  for_vectors(c, [&](std::int64_t i, auto, auto put) {
    put(sum_dy + i, zero());
    put(sum_dy_x + i, zero());
  });
  for_row_runs(rows, c, [&](auto run, std::int64_t row) {
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      const Vec about = get(mean + i);
      Vec sums = get(sum_dy + i), sums_x = get(sum_dy_x + i);
      for (int r = 0; r < decltype(run)::kCount; ++r) {
        const std::int64_t at = (row + r) * c + i;
        Vec d = get(dy + at);
        if constexpr (kMask) d = keep(load_bits(mask + (row + r) * ((c + 7) / 8), i, c), d);
        sums = sums + d;
        sums_x = fma(d, get(x + at) - about, sums_x);
      }
      put(sum_dy + i, sums);
      put(sum_dy_x + i, sums_x);
    });
  });
}

template <class T>
void backward_sums(const T* dy, const T* x, const std::uint8_t* mask, const float* mean, std::int64_t rows,
                   std::int64_t c, float* sum_dy, float* sum_dy_x) {
  const auto run = mask ? backward_sums_of<T, true> : backward_sums_of<T, false>;
  run(dy, x, mask, mean, rows, c, sum_dy, sum_dy_x);
}

template <class T, bool kMask, bool kResidual, bool kStream>
void backward_apply_rows(const T* dy, const T* x, const std::uint8_t* mask, const BatchNormGradient& k,
                         std::int64_t rows, std::int64_t c, T* dx, T* dresidual) {
  for (std::int64_t row = 0; row < rows; ++row, dy += c, x += c, dx += c) {
    for_vectors(c, [&](std::int64_t i, auto get, auto put) {
      Vec g = get(dy + i);
      if constexpr (kMask) g = keep(load_bits(mask, i, c), g);
      const Vec result = get(k.scale + i) * fma(get(x + i) - get(k.mean + i), get(k.slope + i), g - get(k.mean_dy + i));
      if constexpr (kResidual) Output<kStream>::write(dresidual + i, g, put);
      Output<kStream>::write(dx + i, result, put);
    });
    if constexpr (kMask) mask += (c + 7) / 8;
    if constexpr (kResidual) dresidual += c;
  }
  if constexpr (kStream) finish_streams();
}

template <class T, bool kStream>
void backward_apply_to(const T* dy, const T* x, const std::uint8_t* mask, const BatchNormGradient& coefficients,
                       std::int64_t rows, std::int64_t c, T* dx, T* dresidual) {
  const auto run =
      mask ? (dresidual ? backward_apply_rows<T, true, true, kStream> : backward_apply_rows<T, true, false, kStream>)
           : (dresidual ? backward_apply_rows<T, false, true, kStream> : backward_apply_rows<T, false, false, kStream>);
  run(dy, x, mask, coefficients, rows, c, dx, dresidual);
}

template <class T>
void backward_apply(const T* dy, const T* x, const std::uint8_t* mask, const BatchNormGradient& coefficients,
                    std::int64_t rows, std::int64_t c, T* dx, T* dresidual, bool large) {
  const bool streams = large && can_stream(dx, c) && (!dresidual || can_stream(dresidual, c));
  const auto run = streams ? backward_apply_to<T, true> : backward_apply_to<T, false>;
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

template <class T>
void max_pool(const T* const* taps, const std::uint8_t* position, int count, std::int64_t c, T* y,
              std::uint8_t* argmax) {
  for_vectors(c, [&](std::int64_t i, auto get, auto put) {
    Vec best = get(taps[0] + i), at = splat(position[0]);
    for (int tap = 1; tap < count; ++tap) {
      const Vec value = get(taps[tap] + i);
      const std::uint32_t better = exceeds(value, best);
      best = select(better, value, best);
      at = select(better, splat(position[tap]), at);
    }
    put(y + i, best);
    put(argmax + i, at);
  });
}

template <class T>
void max_pool_backward(const T* const* dy, const std::uint8_t* const* argmax, const std::uint8_t* position, int count,
                       std::int64_t c, T* dx) {
  for_vectors(c, [&](std::int64_t i, auto get, auto put) {
    Vec sum = zero();
    for (int window = 0; window < count; ++window)
      sum = sum + keep(equal(get(argmax[window] + i), splat(position[window])), get(dy[window] + i));
    put(dx + i, sum);
  });
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
    float g = gradient[i] * k.factor;
    g = g < -k.limit ? -k.limit : g;
    g = g > k.limit ? k.limit : g;
    g += k.weight_decay * weight[i];
    const float v = k.momentum * velocity[i] + g;
    velocity[i] = v;
    weight[i] -= k.lr * (k.nesterov ? g + k.momentum * v : v);
  }
}

#if defined(__AVX512F__)

void transpose(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  Vec rows[kWidth];
  for (int i = 0; i < kWidth; ++i) rows[i] = load(from + i * from_stride);
  TANDEM_ISA::transpose(rows);
  for (int i = 0; i < kWidth; ++i) store(to + i * to_stride, rows[i]);
}

#endif
#if defined(__AVX512BF16__)

void transpose_pairs(const float* from, std::int64_t from_stride, std::uint16_t* to, std::int64_t to_stride) {
  Vec rows[kWidth];  // of pairs
  for (int i = 0; i < kWidth; ++i) {
    const float* row = from + i * from_stride;
    rows[i] = {(__m512)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(row + 16), _mm512_loadu_ps(row))};
  }
  TANDEM_ISA::transpose(rows);
  for (int i = 0; i < kWidth; ++i) _mm512_storeu_ps(to + i * to_stride, rows[i].v);
}

void interleave(const float* upper, const float* lower, std::uint16_t* to) {
  const __m512i first = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(upper)));
  const __m512i second = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(lower)));
  _mm512_storeu_si512(to, _mm512_or_si512(first, _mm512_slli_epi32(second, 16)));
}

#endif

#if defined(__AVX512BF16__)
constexpr WeightKernels kWeightTable{transpose, transpose_pairs, interleave};
constexpr const WeightKernels* kWeights = &kWeightTable;
#elif defined(__AVX512F__)
constexpr WeightKernels kWeightTable{transpose, nullptr, nullptr};
constexpr const WeightKernels* kWeights = &kWeightTable;
#else
constexpr const WeightKernels* kWeights = nullptr;
#endif
#if defined(__AVX2__)
constexpr const WinogradF32Kernels* kWinograd = &kWinogradF32;
#else
constexpr const WinogradF32Kernels* kWinograd = nullptr;
#endif

template <class T>
constexpr ActivationKernels<T> activation_kernels() {
  return {moments<T>,       normalize<T>, backward_sums<T>,     backward_apply<T>, add<T>,       relu_forward<T>,
          relu_backward<T>, max_pool<T>,  max_pool_backward<T>, sum_rows<T>,       broadcast<T>, normalize_images<T>};
}

constexpr const char* name_of_isa() {
#if defined(__AVX512BF16__)
  return "avx512_bf16";
#elif defined(__AVX512F__)
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
      name_of_isa(), activation_kernels<float>(), activation_kernels<std::uint16_t>(), narrow, widen, sgd, kWeights,
      kWinograd};
  return kTable;
}

}  // namespace tandem::cpu::TANDEM_ISA
