// Compiled for AVX-512 with bf16 instructions; see cpu/vector/simd.h for what may be included here.

#include "cpu/winograd/kernels.h"

#include "cpu/vector/simd.h"

namespace tandem::cpu::avx512_bf16 {
namespace {

constexpr int kTiles = 4;  // transformed before the next channels: what they write stays in the first cache

Vec load_pixel(const std::uint16_t* row, std::int64_t column, std::int64_t width, std::int64_t channels) {
  return row != nullptr && column >= 0 && column < width ? load(row + column * channels) : zero();
}

/// B' times a column of four pixels.
struct Column {
  Vec v[4];
};

Column transform_column(const WinogradTileRow& row, std::int64_t column, std::int64_t c) {
  Vec d[4];
  for (int i = 0; i < 4; ++i)
    d[i] = load_pixel(row.pixels[i] != nullptr ? row.pixels[i] + c : nullptr, column, row.width, row.channels);
  return {{d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]}};
}

/// Calls body(t, o) for tiles [begin, end) of the row, 16 channels from c, o (16) being the tile times B from both
/// sides.
template <class Body>
void for_input_tiles(const WinogradTileRow& row, std::int64_t begin, std::int64_t end, std::int64_t c,
                     const Body& body) {
  Column a = transform_column(row, 2 * begin - 1, c), b = transform_column(row, 2 * begin, c);
  for (std::int64_t t = begin; t < end; ++t) {
    const Column d = transform_column(row, 2 * t + 1, c), e = transform_column(row, 2 * t + 2, c);
    Vec o[kWinogradPositions];
    for (int i = 0; i < 4; ++i) {
      o[4 * i] = a.v[i] - d.v[i];
      o[4 * i + 1] = b.v[i] + d.v[i];
      o[4 * i + 2] = d.v[i] - b.v[i];
      o[4 * i + 3] = b.v[i] - e.v[i];
    }
    body(t, o);
    a = d;
    b = e;
  }
}

/// Calls body(t, o) as above, o being A g A' of a 2x2 tile g.
template <class Body>
void for_gradient_tiles(const WinogradTileRow& row, std::int64_t begin, std::int64_t end, std::int64_t c,
                        const Body& body) {
  for (std::int64_t t = begin; t < end; ++t) {
    Vec half[4][2];  // A g
    for (int j = 0; j < 2; ++j) {
      const auto pixel = [&](int i) {
        return load_pixel(row.pixels[i] != nullptr ? row.pixels[i] + c : nullptr, 2 * t + j, row.width, row.channels);
      };
      const Vec upper = pixel(0), lower = pixel(1);
      half[0][j] = upper;
      half[1][j] = upper + lower;
      half[2][j] = upper - lower;
      half[3][j] = zero() - lower;
    }
    Vec o[kWinogradPositions];
    for (int i = 0; i < 4; ++i) {
      o[4 * i] = half[i][0];
      o[4 * i + 1] = half[i][0] + half[i][1];
      o[4 * i + 2] = half[i][0] - half[i][1];
      o[4 * i + 3] = zero() - half[i][1];
    }
    body(t, o);
  }
}

void transform_input(const WinogradTileRow& row, std::uint16_t* v, std::int64_t position_stride) {
  for (std::int64_t begin = 0; begin < row.tiles; begin += kTiles) {
    const std::int64_t end = begin + kTiles < row.tiles ? begin + kTiles : row.tiles;
    for (std::int64_t c = 0; c < row.channels; c += Vec::kWidth)
      for_input_tiles(row, begin, end, c, [&](std::int64_t t, const Vec* o) {
        std::uint16_t* to = v + t * row.channels + c;
        for (int p = 0; p < kWinogradPositions; ++p) store(to + p * position_stride, o[p]);
      });
  }
}

/// (first, second) pairs of bf16.
__m512i pairs_of(Vec first, Vec second) {
  const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first.v));
  const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second.v));
  return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/// Transforms a few tiles of the first image into a buffer, then those of the second, and stores both side by side.
template <class ForTiles>
void transform_pairs(const WinogradTileRow& first, const WinogradTileRow& second, std::uint16_t* v,
                     std::int64_t position_stride, const ForTiles& for_tiles) {
  alignas(64) Vec buffer[kTiles][kWinogradPositions];
  for (std::int64_t begin = 0; begin < first.tiles; begin += kTiles) {
    const std::int64_t end = begin + kTiles < first.tiles ? begin + kTiles : first.tiles;
    for (std::int64_t c = 0; c < first.channels; c += Vec::kWidth) {
      for_tiles(first, begin, end, c, [&](std::int64_t t, const Vec* o) {
        for (int p = 0; p < kWinogradPositions; ++p) buffer[t - begin][p] = o[p];
      });
      for_tiles(second, begin, end, c, [&](std::int64_t t, const Vec* o) {
        std::uint16_t* to = v + 2 * (t * first.channels + c);
        for (int p = 0; p < kWinogradPositions; ++p)
          _mm512_storeu_si512(to + p * position_stride, pairs_of(buffer[t - begin][p], o[p]));
      });
    }
  }
}

void transform_input_pairs(const WinogradTileRow& first, const WinogradTileRow& second, std::uint16_t* v,
                           std::int64_t position_stride) {
  transform_pairs(first, second, v, position_stride,
                  [](const WinogradTileRow& row, std::int64_t begin, std::int64_t end, std::int64_t c,
                     const auto& body) { for_input_tiles(row, begin, end, c, body); });
}

void transform_gradient_pairs(const WinogradTileRow& first, const WinogradTileRow& second, std::uint16_t* v,
                              std::int64_t position_stride) {
  transform_pairs(first, second, v, position_stride,
                  [](const WinogradTileRow& row, std::int64_t begin, std::int64_t end, std::int64_t c,
                     const auto& body) { for_gradient_tiles(row, begin, end, c, body); });
}

template <int kRows>
void multiply_rows(const WinogradProduct& product) {
  constexpr int kVectors = kWinogradColumns / Vec::kWidth;
  __m512 sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j)
      sums[r][j] =
          product.accumulate ? _mm512_loadu_ps(product.c + r * product.c_row + j * Vec::kWidth) : _mm512_setzero_ps();
  const std::uint32_t *a = product.a, *b = product.b;
  for (std::int64_t step = 0; step < product.steps; ++step, a += product.a_step, b += product.b_step) {
    __m512i columns[kVectors];
    for (int j = 0; j < kVectors; ++j) columns[j] = _mm512_loadu_si512(b + j * Vec::kWidth);
    for (int r = 0; r < kRows; ++r) {
      const __m512i row = _mm512_set1_epi32(static_cast<int>(a[r * product.a_row]));
      for (int j = 0; j < kVectors; ++j) sums[r][j] = _mm512_dpbf16_ps(sums[r][j], (__m512bh)row, (__m512bh)columns[j]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j) _mm512_storeu_ps(product.c + r * product.c_row + j * Vec::kWidth, sums[r][j]);
}

void multiply(const WinogradProduct& product, int rows) {
  static_assert(kWinogradRows == 6);
  switch (rows) {
    case 1:
      return multiply_rows<1>(product);
    case 2:
      return multiply_rows<2>(product);
    case 3:
      return multiply_rows<3>(product);
    case 4:
      return multiply_rows<4>(product);
    case 5:
      return multiply_rows<5>(product);
    default:
      return multiply_rows<6>(product);
  }
}

void transform_output(const float* m, std::int64_t position_stride, std::int64_t tiles, std::int64_t width,
                      std::int64_t channels, const float* bias, bool relu, std::uint16_t* upper, std::uint16_t* lower) {
  std::uint16_t* const rows[2] = {upper, lower};
  for (std::int64_t t = 0; t < tiles; ++t)
    for (int c = 0; c < kWinogradColumns; c += Vec::kWidth) {
      const float* from = m + t * kWinogradColumns + c;
      const Vec shift = bias != nullptr ? load(bias + c) : zero();
      const auto finish = [&](Vec sum) {
        const Vec shifted = sum + shift;
        return relu ? avx512_bf16::relu(shifted) : shifted;
      };
      Vec half[2][4];  // A' m
      for (int j = 0; j < 4; ++j) {
        const auto at = [&](int i) { return load(from + (4 * i + j) * position_stride); };
        const Vec sum = at(1) + at(2), difference = at(1) - at(2);
        half[0][j] = at(0) + sum;
        half[1][j] = difference - at(3);
      }
      for (int i = 0; i < 2; ++i) {
        if (rows[i] == nullptr) continue;
        std::uint16_t* to = rows[i] + 2 * t * channels + c;
        store(to, finish(half[i][0] + half[i][1] + half[i][2]));
        if (2 * t + 1 < width) store(to + channels, finish(half[i][1] - half[i][2] - half[i][3]));
      }
    }
}

/// Calls body(p, u) with the positions of u = G w G' for 16 channels of a filter, which may be turned by 180 degrees.
template <bool kTurned, class Body>
void for_positions(const float* w, std::int64_t tap_stride, const Body& body) {
  const Vec half = splat(0.5F);
  Vec columns[4][3];  // G w
  for (int s = 0; s < 3; ++s) {
    const auto tap = [&](int r) { return load(w + (kTurned ? 8 - (3 * r + s) : 3 * r + s) * tap_stride); };
    const Vec first = tap(0), second = tap(1), third = tap(2);
    columns[0][s] = first;
    columns[1][s] = (first + second + third) * half;
    columns[2][s] = (first - second + third) * half;
    columns[3][s] = third;
  }
  for (int i = 0; i < 4; ++i) {
    const Vec* g = columns[i];
    body(4 * i, g[0]);
    body(4 * i + 1, (g[0] + g[1] + g[2]) * half);
    body(4 * i + 2, (g[0] - g[1] + g[2]) * half);
    body(4 * i + 3, g[2]);
  }
}

void transform_weights(const float* w, std::int64_t tap_stride, float* u, std::int64_t position_stride) {
  for_positions<false>(w, tap_stride, [&](int p, Vec value) { store(u + p * position_stride, value); });
}

void transform_turned_weights(const float* first, const float* second, std::int64_t channels, std::uint16_t* u,
                              std::int64_t position_stride) {
  for (std::int64_t c = 0; c < channels; c += Vec::kWidth) {
    std::uint16_t* to = u + c / kWinogradColumns * kWinogradPositions * position_stride + c % kWinogradColumns * 2;
    Vec positions[kWinogradPositions];
    for_positions<true>(first + c, channels, [&](int p, Vec value) { positions[p] = value; });
    for_positions<true>(second + c, channels, [&](int p, Vec value) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(to + p * position_stride), pairs_of(positions[p], value));
    });
  }
  finish_streams();
}

void transform_weight_gradient(const float* s, std::int64_t position_stride, std::int64_t copies,
                               std::int64_t copy_stride, float* w, std::int64_t tap_stride) {
  const Vec half = splat(0.5F);
  Vec rows[3][4];  // G' s
  for (int j = 0; j < 4; ++j) {
    const auto at = [&](int i) {
      const float* from = s + (4 * i + j) * position_stride;
      Vec sum = load(from);
      for (std::int64_t copy = 1; copy < copies; ++copy) sum = sum + load(from + copy * copy_stride);
      return sum;
    };
    const Vec first = at(0), second = at(1) * half, third = at(2) * half, fourth = at(3);
    rows[0][j] = first + second + third;
    rows[1][j] = second - third;
    rows[2][j] = second + third + fourth;
  }
  for (int r = 0; r < 3; ++r) {
    const Vec second = rows[r][1] * half, third = rows[r][2] * half;
    store(w + 3 * r * tap_stride, rows[r][0] + second + third);
    store(w + (3 * r + 1) * tap_stride, second - third);
    store(w + (3 * r + 2) * tap_stride, second + third + rows[r][3]);
  }
}

}  // namespace

const WinogradKernels kWinograd{
    transform_input,  transform_input_pairs, transform_gradient_pairs, multiply,
    transform_output, transform_weights,     transform_turned_weights, transform_weight_gradient};

}  // namespace tandem::cpu::avx512_bf16
