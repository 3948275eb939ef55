#pragma once
// A vector of floats for the instruction set this file is compiled for (cpu/CMakeLists.txt compiles the kernels once
// for each). Only plain types and intrinsics here: an inline function of the standard library, compiled for AVX-512 and
// merged by the linker with its twin, could end up in code that runs on any processor.
//
// bfloat16 travels as std::uint16_t and is widened to float when loaded, rounded to nearest even when stored.

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace tandem::cpu::TANDEM_ISA {

#if defined(__AVX512F__)

struct Vec {
  static constexpr int kWidth = 16;
  __m512 v;
};
inline Vec zero() { return {_mm512_setzero_ps()}; }
inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
inline Vec load(const std::uint16_t* p) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}
#if defined(__AVX512BF16__)
// The instruction takes numbers below 2^-126 for zero.
inline void store(std::uint16_t* p, Vec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(a.v));
}
#else
inline void store(std::uint16_t* p, Vec a) {
  const __m512i word = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(word, 16), _mm512_set1_epi32(1));
  __m512i rounded = _mm512_add_epi32(word, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  rounded = _mm512_mask_or_epi32(rounded, nan, word, _mm512_set1_epi32(0x400000));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
}
#endif
inline void stream(float* p, Vec a) { _mm512_stream_ps(p, a.v); }
inline void stream(std::uint16_t* p, Vec a) {
  std::uint16_t narrow[Vec::kWidth];
  store(narrow, a);
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(narrow)));
}
inline void finish_streams() { _mm_sfence(); }
inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
/// One bit a lane: a > 0.
inline std::uint32_t positive(Vec a) { return _mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_GT_OQ); }
/// One bit a lane: a > b, or a is NaN.
inline std::uint32_t exceeds(Vec a, Vec b) {
  return static_cast<std::uint32_t>(_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)) |
         _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
}
/// a where the lane's bit is set, 0 elsewhere.
inline Vec keep(std::uint32_t bits, Vec a) { return {_mm512_maskz_mov_ps(static_cast<__mmask16>(bits), a.v)}; }
/// a where the lane's bit is set, b elsewhere.
inline Vec select(std::uint32_t bits, Vec a, Vec b) {
  return {_mm512_mask_blend_ps(static_cast<__mmask16>(bits), b.v, a.v)};
}
inline Vec splat(float a) { return {_mm512_set1_ps(a)}; }
/// Whole numbers in [0, 255] as bytes.
inline void store(std::uint8_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
}
/// Bytes as numbers.
inline Vec load(const std::uint8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
/// One bit a lane: a == b.
inline std::uint32_t equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }
/// max(a, 0); NaN stays NaN.
inline Vec relu(Vec a) { return {_mm512_max_ps(_mm512_setzero_ps(), a.v)}; }

/// Row j of the result is column j of `rows`.
inline void transpose(Vec (&rows)[Vec::kWidth]) {
  __m512 pairs[16], quads[16];
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i].v, rows[i + 1].v);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i].v, rows[i + 1].v);
  }
  const auto low = [](__m512 a, __m512 b) {
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
  };
  const auto high = [](__m512 a, __m512 b) {
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
  };
  for (int i = 0; i < 16; i += 4) {
    quads[i] = low(pairs[i], pairs[i + 2]);
    quads[i + 1] = high(pairs[i], pairs[i + 2]);
    quads[i + 2] = low(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = high(pairs[i + 1], pairs[i + 3]);
  }
  // The four lanes of quads[4 g + j] hold columns j, 4 + j, 8 + j, 12 + j of rows 4 g to 4 g + 3.
  constexpr int kEven = 0x88, kOdd = 0xDD;
  for (int j = 0; j < 4; ++j) {
    const __m512 even = _mm512_shuffle_f32x4(quads[j], quads[4 + j], kEven);
    const __m512 odd = _mm512_shuffle_f32x4(quads[j], quads[4 + j], kOdd);
    const __m512 even2 = _mm512_shuffle_f32x4(quads[8 + j], quads[12 + j], kEven);
    const __m512 odd2 = _mm512_shuffle_f32x4(quads[8 + j], quads[12 + j], kOdd);
    rows[j] = {_mm512_shuffle_f32x4(even, even2, kEven)};
    rows[4 + j] = {_mm512_shuffle_f32x4(odd, odd2, kEven)};
    rows[8 + j] = {_mm512_shuffle_f32x4(even, even2, kOdd)};
    rows[12 + j] = {_mm512_shuffle_f32x4(odd, odd2, kOdd)};
  }
}

#elif defined(__AVX2__)

struct Vec {
  static constexpr int kWidth = 8;
  __m256 v;
};
inline Vec zero() { return {_mm256_setzero_ps()}; }
inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
inline Vec load(const std::uint16_t* p) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16))};
}
inline void store(std::uint16_t* p, Vec a) {
  const __m256i word = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(word, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(word, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  const __m256i quiet = _mm256_or_si256(word, _mm256_set1_epi32(0x400000));
  const __m256 nan = _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q);
  const __m256i chosen = _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan));
  const __m256i high = _mm256_srli_epi32(chosen, 16);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1)));
}
inline void stream(float* p, Vec a) { _mm256_stream_ps(p, a.v); }
inline void stream(std::uint16_t* p, Vec a) {
  std::uint16_t narrow[Vec::kWidth];
  store(narrow, a);
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), _mm_loadu_si128(reinterpret_cast<const __m128i*>(narrow)));
}
inline void finish_streams() { _mm_sfence(); }
inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline std::uint32_t positive(Vec a) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_GT_OQ)));
}
inline Vec keep(std::uint32_t bits, Vec a) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane), lane);
  return {_mm256_and_ps(a.v, _mm256_castsi256_ps(set))};
}
inline Vec relu(Vec a) { return {_mm256_max_ps(_mm256_setzero_ps(), a.v)}; }
inline std::uint32_t exceeds(Vec a, Vec b) {
  const __m256 more = _mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ), nan = _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q);
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_or_ps(more, nan)));
}
inline Vec select(std::uint32_t bits, Vec a, Vec b) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane), lane);
  return {_mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(set))};
}
inline Vec splat(float a) { return {_mm256_set1_ps(a)}; }
inline void store(std::uint8_t* p, Vec a) {
  const __m256i whole = _mm256_cvtps_epi32(a.v);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
inline Vec load(const std::uint8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
inline std::uint32_t equal(Vec a, Vec b) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)));
}
inline void transpose(Vec (&rows)[Vec::kWidth]) {
  __m256 pairs[8], quads[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i].v, rows[i + 1].v);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i].v, rows[i + 1].v);
  }
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xEE);
    quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xEE);
  }
  // The two lanes of quads[4 g + j] hold columns j and 4 + j of rows 4 g to 4 g + 3.
  for (int j = 0; j < 4; ++j) {
    rows[j] = {_mm256_permute2f128_ps(quads[j], quads[4 + j], 0x20)};
    rows[4 + j] = {_mm256_permute2f128_ps(quads[j], quads[4 + j], 0x31)};
  }
}

#else

struct Vec {
  static constexpr int kWidth = 8;
  float v[kWidth];
};
/// A vector whose lane i is body(i).
template <class Body>
inline Vec lanes(const Body& body) {
  Vec result;
  for (int i = 0; i < Vec::kWidth; ++i) result.v[i] = body(i);
  return result;
}
inline Vec zero() {
  return lanes([](int) { return 0.0F; });
}
inline Vec load(const float* p) {
  return lanes([p](int i) { return p[i]; });
}
inline void store(float* p, Vec a) { std::memcpy(p, a.v, sizeof a.v); }
inline Vec load(const std::uint16_t* p) {
  return lanes([p](int i) {
    const std::uint32_t word = std::uint32_t{p[i]} << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  });
}
inline void store(std::uint16_t* p, Vec a) {
  for (int i = 0; i < Vec::kWidth; ++i) {
    std::uint32_t word;
    std::memcpy(&word, &a.v[i], sizeof word);
    const bool nan = a.v[i] != a.v[i];
    p[i] = static_cast<std::uint16_t>((nan ? word | 0x400000U : word + 0x7FFFU + (word >> 16 & 1U)) >> 16);
  }
}
template <class T>
inline void stream(T* p, Vec a) {
  store(p, a);
}
inline void finish_streams() {}
inline Vec operator+(Vec a, Vec b) {
  return lanes([&](int i) { return a.v[i] + b.v[i]; });
}
inline Vec operator-(Vec a, Vec b) {
  return lanes([&](int i) { return a.v[i] - b.v[i]; });
}
inline Vec operator*(Vec a, Vec b) {
  return lanes([&](int i) { return a.v[i] * b.v[i]; });
}
inline Vec fma(Vec a, Vec b, Vec c) {
  return lanes([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
}
inline std::uint32_t positive(Vec a) {
  std::uint32_t bits = 0;
  for (int i = 0; i < Vec::kWidth; ++i) bits |= static_cast<std::uint32_t>(a.v[i] > 0) << i;
  return bits;
}
inline Vec keep(std::uint32_t bits, Vec a) {
  return lanes([&](int i) { return bits >> i & 1U ? a.v[i] : 0.0F; });
}
inline Vec relu(Vec a) {
  return lanes([&](int i) { return a.v[i] < 0 ? 0.0F : a.v[i]; });
}
inline std::uint32_t exceeds(Vec a, Vec b) {
  std::uint32_t bits = 0;
  for (int i = 0; i < Vec::kWidth; ++i) {
    const bool more = a.v[i] > b.v[i] || a.v[i] != a.v[i];
    bits |= static_cast<std::uint32_t>(more) << i;
  }
  return bits;
}
inline Vec select(std::uint32_t bits, Vec a, Vec b) {
  return lanes([&](int i) { return bits >> i & 1U ? a.v[i] : b.v[i]; });
}
inline Vec splat(float a) {
  return lanes([a](int) { return a; });
}
inline void store(std::uint8_t* p, Vec a) {
  for (int i = 0; i < Vec::kWidth; ++i) p[i] = static_cast<std::uint8_t>(a.v[i]);
}
inline Vec load(const std::uint8_t* p) {
  return lanes([p](int i) { return static_cast<float>(p[i]); });
}
inline std::uint32_t equal(Vec a, Vec b) {
  std::uint32_t bits = 0;
  for (int i = 0; i < Vec::kWidth; ++i) bits |= static_cast<std::uint32_t>(a.v[i] == b.v[i]) << i;
  return bits;
}

#endif

inline constexpr int kWidth = Vec::kWidth;

/// The first n < kWidth elements, zeros behind them.
template <class T>
inline Vec load_some(const T* p, int n) {
  T buffer[kWidth] = {};
  std::memcpy(buffer, p, static_cast<std::size_t>(n) * sizeof(T));
  return load(buffer);
}
template <class T>
inline void store_some(T* p, Vec a, int n) {
  T buffer[kWidth];
  store(buffer, a);
  std::memcpy(p, buffer, static_cast<std::size_t>(n) * sizeof(T));
}

/// Calls body(offset, load, store) for each vector of a row of `length` elements. The loads and stores passed along
/// move kWidth elements, and fewer for the last vector where the length is no multiple.
template <class Body>
inline void for_vectors(std::int64_t length, const Body& body) {
  std::int64_t i = 0;
  for (; i + kWidth <= length; i += kWidth)
    body(
        i, [](const auto* p) { return load(p); }, [](auto* p, Vec a) { store(p, a); });
  if (i < length) {
    const int n = static_cast<int>(length - i);
    body(
        i, [n](const auto* p) { return load_some(p, n); }, [n](auto* p, Vec a) { store_some(p, a, n); });
  }
}

/// A number known at compile time, as an argument.
template <int kValue>
struct Count {
  static constexpr int kCount = kValue;
};

/// Calls body(Count<n>, row) for each run of n rows of c elements: 1, or for short rows 4 as long as there are as many.
/// Sums down the columns are loaded and stored once for a run, which short rows would wait for; in long rows more than
/// one at a time would only confuse the prefetcher.
template <class Body>
inline void for_row_runs(std::int64_t rows, std::int64_t c, const Body& body) {
  std::int64_t row = 0;
  for (; c <= 128 && row + 4 <= rows; row += 4) body(Count<4>(), row);
  for (; row < rows; ++row) body(Count<1>(), row);
}

// Mask rows are padded to whole bytes, so the bytes of a vector's lanes may be read and written whole. A tail shorter
// than a vector reads and writes only the bytes that the row has.
inline std::uint32_t load_bits(const std::uint8_t* row, std::int64_t offset, std::int64_t length) {
  std::uint32_t bits = row[offset / 8];
  if (kWidth > 8 && offset + 8 < length) bits |= std::uint32_t{row[offset / 8 + 1]} << 8;
  return bits;
}
inline void store_bits(std::uint8_t* row, std::int64_t offset, std::int64_t length, std::uint32_t bits) {
  row[offset / 8] = static_cast<std::uint8_t>(bits);
  if (kWidth > 8 && offset + 8 < length) row[offset / 8 + 1] = static_cast<std::uint8_t>(bits >> 8);
}

}  // namespace tandem::cpu::TANDEM_ISA
