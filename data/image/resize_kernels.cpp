#include "data/image/resize_kernels.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tandem {
namespace {

constexpr std::int32_t kHalf = 1 << (kResizeWeightBits - 1);

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kResizeWeightBits, 0, 255));
}

/// One output pixel of one row: the definition.
void average_along(const std::uint8_t* row, const RowAverages& columns, std::size_t x, std::uint8_t* out) {
  const std::uint8_t* pixel = row + std::ptrdiff_t{3} * columns.first[x];
  const std::int32_t* weight = columns.weights.data() + x * columns.taps;
  std::int32_t red = kHalf, green = kHalf, blue = kHalf;
  for (int k = 0; k < columns.used[x]; ++k, pixel += 3) {
    red += weight[k] * pixel[0];
    green += weight[k] * pixel[1];
    blue += weight[k] * pixel[2];
  }
  out[0] = to_pixel(red);
  out[1] = to_pixel(green);
  out[2] = to_pixel(blue);
}

/// The bytes begin .. bytes - 1 of an average across rows: the definition.
void average_across(const std::uint8_t* from, std::size_t stride, std::size_t begin, std::size_t bytes,
                    const std::int32_t* weights, int taps, std::uint8_t* out) {
  for (std::size_t i = begin; i < bytes; ++i) {
    std::int32_t sum = kHalf;
    const std::uint8_t* value = from + i;
    for (int k = 0; k < taps; ++k, value += stride) sum += weights[k] * *value;
    out[i] = to_pixel(sum);
  }
}

namespace scalar {

void along_rows(const std::uint8_t* from, std::size_t stride, const std::uint8_t*, int rows, const RowAverages& columns,
                std::uint8_t* out) {
  for (int y = 0; y < rows; ++y, from += stride)
    for (std::size_t x = 0; x < columns.first.size(); ++x, out += 3) average_along(from, columns, x, out);
}

void across_rows(const std::uint8_t* from, std::size_t stride, std::size_t bytes, const std::int32_t* weights, int taps,
                 std::uint8_t* out) {
  average_across(from, stride, 0, bytes, weights, taps, out);
}

constexpr ResizeKernels kKernels{"scalar", along_rows, across_rows};

}  // namespace scalar

/// A column's weights in groups of four. A weight w of 22 bits and its sign do not fit the 16 bits of a multiply-add,
/// so it is parted as w = 256 * high + low with low in 0..255: sums of both parts are exact, and so is their sum.
class SplitWeights {
 public:
  static constexpr std::size_t kGroup = 4, kPixelBytes = 3;
  /// A group's pixels are read as this many bytes.
  static constexpr std::size_t kReadBytes = 16;

  explicit SplitWeights(const RowAverages& columns) : groups_((columns.taps + kGroup - 1) / kGroup) {
    values_.resize(columns.first.size() * groups_ * kGroup * 2);
    for (std::size_t x = 0; x < columns.first.size(); ++x)
      for (std::size_t k = 0; k < static_cast<std::size_t>(columns.used[x]); ++k) {
        const std::int32_t weight = columns.weights[x * columns.taps + k];
        std::int16_t* group = values_.data() + (x * groups_ + k / kGroup) * kGroup * 2;
        group[k % kGroup] = static_cast<std::int16_t>(weight >> 8);
        group[kGroup + k % kGroup] = static_cast<std::int16_t>(weight & 255);
      }
  }
  /// (groups, high and low, 4)
  const std::int16_t* column(std::size_t x) const { return values_.data() + x * groups_ * kGroup * 2; }
  static std::size_t groups_of(int used) { return (static_cast<std::size_t>(used) + kGroup - 1) / kGroup; }
  /// How many bytes from a column's first pixel on are read.
  static std::size_t bytes_read(std::size_t groups) { return (groups - 1) * kGroup * kPixelBytes + kReadBytes; }

 private:
  std::size_t groups_;
  std::vector<std::int16_t> values_;
};

namespace avx2 {

/// Sums of high and low parts become a pixel, whose three bytes are written.
[[gnu::target("avx2"), gnu::always_inline]] inline void store_pixel(__m256i high, __m256i low, std::uint8_t* out) {
  const __m256i sums = _mm256_add_epi32(_mm256_slli_epi32(high, 8), low);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kResizeWeightBits);
  sum = _mm_packs_epi32(sum, sum);
  const int pixel = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
  std::memcpy(out, &pixel, 3);
}

/// Which bytes of four pixels become pairs of 16-bit numbers: (r0 r1) (g0 g1) (b0 b1) and nothing, then those of pixels
/// 2 and 3.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i pairs() {
  return _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
}

/// One output pixel of each of kRows rows.
template <std::size_t kRows>
[[gnu::target("avx2"), gnu::always_inline]] inline void average(const std::uint8_t* pixel, std::size_t stride,
                                                                const std::int16_t* weights, std::size_t groups,
                                                                std::uint8_t* out, std::size_t out_stride) {
  const __m256i order = pairs();
  const __m256i first = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1), second = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  __m256i high[kRows], low[kRows];
  for (std::size_t r = 0; r < kRows; ++r) high[r] = low[r] = _mm256_setzero_si256();
  for (std::size_t g = 0; g < groups; ++g, weights += 8, pixel += 12) {
    const __m256i both = _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights)));
    const __m256i upper = _mm256_permutevar8x32_epi32(both, first), lower = _mm256_permutevar8x32_epi32(both, second);
    for (std::size_t r = 0; r < kRows; ++r) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel + r * stride));
      const __m256i values = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), order);
      high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(values, upper));
      low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(values, lower));
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) store_pixel(high[r], low[r], out + r * out_stride);
}

/// kRows rows; `end` as in ResizeKernels::along_rows, of the last of them.
template <std::size_t kRows>
[[gnu::target("avx2")]] void tile(const std::uint8_t* from, std::size_t stride, const std::uint8_t* end,
                                  const RowAverages& columns, const SplitWeights& weights, std::uint8_t* out) {
  const std::size_t width = columns.first.size(), out_stride = width * 3;
  const auto room = static_cast<std::size_t>(end - from) - (kRows - 1) * stride;
  for (std::size_t x = 0; x < width; ++x, out += 3) {
    const std::size_t at = static_cast<std::size_t>(columns.first[x]) * 3;
    const std::size_t groups = SplitWeights::groups_of(columns.used[x]);
    if (at + SplitWeights::bytes_read(groups) <= room)
      average<kRows>(from + at, stride, weights.column(x), groups, out, out_stride);
    else
      for (std::size_t r = 0; r < kRows; ++r) average_along(from + r * stride, columns, x, out + r * out_stride);
  }
}

void along_rows(const std::uint8_t* from, std::size_t stride, const std::uint8_t* end, int rows,
                const RowAverages& columns, std::uint8_t* out) {
  constexpr int kTile = 4;
  const SplitWeights weights(columns);
  const std::size_t row_bytes = columns.first.size() * 3;
  int y = 0;
  for (; y + kTile <= rows; y += kTile, from += kTile * stride, out += kTile * row_bytes)
    tile<kTile>(from, stride, end, columns, weights, out);
  for (; y < rows; ++y, from += stride, out += row_bytes) tile<1>(from, stride, end, columns, weights, out);
}

/// Four vectors of sums become 32 pixels in order.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i pack(const __m256i (&sums)[4]) {
  const __m256i first =
      _mm256_packs_epi32(_mm256_srai_epi32(sums[0], kResizeWeightBits), _mm256_srai_epi32(sums[1], kResizeWeightBits));
  const __m256i second =
      _mm256_packs_epi32(_mm256_srai_epi32(sums[2], kResizeWeightBits), _mm256_srai_epi32(sums[3], kResizeWeightBits));
  // Packing works within halves: 4 bytes of each vector's lower half, then 4 of each upper one.
  return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

[[gnu::target("avx2")]] void across_rows(const std::uint8_t* from, std::size_t stride, std::size_t bytes,
                                         const std::int32_t* weights, int taps, std::uint8_t* out) {
  constexpr std::size_t kBytes = 32;
  std::size_t i = 0;
  for (; i + kBytes <= bytes; i += kBytes) {
    __m256i sums[4];
    for (__m256i& sum : sums) sum = _mm256_set1_epi32(kHalf);
    const std::uint8_t* row = from + i;
    for (int k = 0; k < taps; ++k, row += stride) {
      const __m256i weight = _mm256_set1_epi32(weights[k]);
      for (std::size_t v = 0; v < 4; ++v) {
        const __m128i values = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + 8 * v));
        sums[v] = _mm256_add_epi32(sums[v], _mm256_mullo_epi32(_mm256_cvtepu8_epi32(values), weight));
      }
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), pack(sums));
  }
  average_across(from, stride, i, bytes, weights, taps, out);
}

constexpr ResizeKernels kKernels{"avx2", along_rows, across_rows};

}  // namespace avx2

namespace avx512 {

/// One output pixel of each of 2 * kPairs rows: a vector holds two rows.
template <std::size_t kPairs>
[[gnu::target("avx2,avx512f,avx512bw,avx512vl"), gnu::always_inline]] inline void average(
    const std::uint8_t* pixel, std::size_t stride, const std::int16_t* weights, std::size_t groups, std::uint8_t* out,
    std::size_t out_stride) {
  const __m512i order = _mm512_broadcast_i64x4(avx2::pairs());
  const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1);
  const __m512i second = _mm512_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3, 2, 2, 2, 2, 3, 3, 3, 3);
  __m512i high[kPairs], low[kPairs];
  for (std::size_t r = 0; r < kPairs; ++r) high[r] = low[r] = _mm512_setzero_si512();
  for (std::size_t g = 0; g < groups; ++g, weights += 8, pixel += 12) {
    const __m512i both = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights)));
    const __m512i upper = _mm512_permutexvar_epi32(first, both), lower = _mm512_permutexvar_epi32(second, both);
    for (std::size_t r = 0; r < kPairs; ++r) {
      const std::uint8_t* row = pixel + 2 * r * stride;
      const __m128i above = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
      const __m128i below = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + stride));
      const __m512i two = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_broadcastsi128_si256(above)),
                                             _mm256_broadcastsi128_si256(below), 1);
      const __m512i values = _mm512_shuffle_epi8(two, order);
      high[r] = _mm512_add_epi32(high[r], _mm512_madd_epi16(values, upper));
      low[r] = _mm512_add_epi32(low[r], _mm512_madd_epi16(values, lower));
    }
  }
  for (std::size_t r = 0; r < kPairs; ++r, out += 2 * out_stride) {
    avx2::store_pixel(_mm512_castsi512_si256(high[r]), _mm512_castsi512_si256(low[r]), out);
    avx2::store_pixel(_mm512_extracti64x4_epi64(high[r], 1), _mm512_extracti64x4_epi64(low[r], 1), out + out_stride);
  }
}

constexpr int kTile = 4;

[[gnu::target("avx2,avx512f,avx512bw,avx512vl")]] void tile(const std::uint8_t* from, std::size_t stride,
                                                            const std::uint8_t* end, const RowAverages& columns,
                                                            const SplitWeights& weights, std::uint8_t* out) {
  const std::size_t width = columns.first.size(), out_stride = width * 3;
  const auto room = static_cast<std::size_t>(end - from) - (kTile - 1) * stride;
  for (std::size_t x = 0; x < width; ++x, out += 3) {
    const std::size_t at = static_cast<std::size_t>(columns.first[x]) * 3;
    const std::size_t groups = SplitWeights::groups_of(columns.used[x]);
    if (at + SplitWeights::bytes_read(groups) <= room)
      average<kTile / 2>(from + at, stride, weights.column(x), groups, out, out_stride);
    else
      for (std::size_t r = 0; r < kTile; ++r) average_along(from + r * stride, columns, x, out + r * out_stride);
  }
}

void along_rows(const std::uint8_t* from, std::size_t stride, const std::uint8_t* end, int rows,
                const RowAverages& columns, std::uint8_t* out) {
  const SplitWeights weights(columns);
  const std::size_t row_bytes = columns.first.size() * 3;
  int y = 0;
  for (; y + kTile <= rows; y += kTile, from += kTile * stride, out += kTile * row_bytes)
    tile(from, stride, end, columns, weights, out);
  for (; y < rows; ++y, from += stride, out += row_bytes) avx2::tile<1>(from, stride, end, columns, weights, out);
}

[[gnu::target("avx2,avx512f,avx512bw,avx512vl")]] void across_rows(const std::uint8_t* from, std::size_t stride,
                                                                   std::size_t bytes, const std::int32_t* weights,
                                                                   int taps, std::uint8_t* out) {
  constexpr std::size_t kBytes = 64;
  std::size_t i = 0;
  for (; i + kBytes <= bytes; i += kBytes) {
    __m512i sums[4];
    for (__m512i& sum : sums) sum = _mm512_set1_epi32(kHalf);
    const std::uint8_t* row = from + i;
    for (int k = 0; k < taps; ++k, row += stride) {
      const __m512i weight = _mm512_set1_epi32(weights[k]);
      for (std::size_t v = 0; v < 4; ++v) {
        const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 16 * v));
        sums[v] = _mm512_add_epi32(sums[v], _mm512_mullo_epi32(_mm512_cvtepu8_epi32(values), weight));
      }
    }
    for (std::size_t v = 0; v < 4; ++v) {
      const __m512i held = _mm512_max_epi32(_mm512_srai_epi32(sums[v], kResizeWeightBits), _mm512_setzero_si512());
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i + 16 * v), _mm512_cvtusepi32_epi8(held));
    }
  }
  avx2::across_rows(from + i, stride, bytes - i, weights, taps, out + i);
}

constexpr ResizeKernels kKernels{"avx512", along_rows, across_rows};

}  // namespace avx512
}  // namespace

std::vector<const ResizeKernels*> available_resize_kernels() {
  std::vector<const ResizeKernels*> all{&scalar::kKernels};
  if (__builtin_cpu_supports("avx2")) all.push_back(&avx2::kKernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    all.push_back(&avx512::kKernels);
  return all;
}

const ResizeKernels& resize_kernels() {
  static const ResizeKernels& fastest = *available_resize_kernels().back();
  return fastest;
}

}  // namespace tandem
