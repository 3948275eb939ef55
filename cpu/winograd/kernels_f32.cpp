// Compiled for AVX2 and more; TANDEM_ISA names the instruction set. See cpu/vector/simd.h for what may be included
// here.

#include "cpu/winograd/kernels_f32.h"

#include "cpu/vector/simd.h"

namespace tandem::cpu::TANDEM_ISA {
namespace {

constexpr int kTiles = 4;  // transformed before the next channels: what they write stays in the first cache

// The points of interpolation, their powers, and what divides the filters' polynomials at them.
constexpr float kA = 0.625F, kA2 = kA * kA, kA3 = kA2 * kA;
constexpr float kB = 1.5F, kB2 = kB * kB, kB3 = kB2 * kB;
constexpr float kSum = kA2 + kB2, kProduct = kA2 * kB2;
constexpr float kAt0 = 1 / kProduct, kAtA = 1 / (2 * kA2 * (kA2 - kB2)), kAtB = 1 / (2 * kB2 * (kB2 - kA2));

/// o (6) = B' d (6).
inline void transform_inputs(const Vec* d, Vec* o) {
  const Vec a = splat(kA), b = splat(kB), minus_a2 = splat(-kA2), minus_b2 = splat(-kB2);
  const Vec even_a = fma(minus_b2, d[2], d[4]), odd_a = a * fma(minus_b2, d[1], d[3]);
  const Vec even_b = fma(minus_a2, d[2], d[4]), odd_b = b * fma(minus_a2, d[1], d[3]);
  const Vec product = splat(kProduct), minus_sum = splat(-kSum);
  o[0] = fma(product, d[0], fma(minus_sum, d[2], d[4]));
  o[1] = even_a + odd_a;
  o[2] = even_a - odd_a;
  o[3] = even_b + odd_b;
  o[4] = even_b - odd_b;
  o[5] = fma(product, d[1], fma(minus_sum, d[3], d[5]));
}

/// o (6) = A g (4).
inline void transform_gradients(const Vec* g, Vec* o) {
  const Vec even_a = fma(splat(kA2), g[2], g[0]), odd_a = fma(splat(kA3), g[3], splat(kA) * g[1]);
  const Vec even_b = fma(splat(kB2), g[2], g[0]), odd_b = fma(splat(kB3), g[3], splat(kB) * g[1]);
  o[0] = g[0];
  o[1] = even_a + odd_a;
  o[2] = even_a - odd_a;
  o[3] = even_b + odd_b;
  o[4] = even_b - odd_b;
  o[5] = g[3];
}

/// y (4) = A' m (6).
inline void transform_outputs(const Vec* m, Vec* y) {
  const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  y[0] = m[0] + sum_a + sum_b;
  y[1] = fma(splat(kA), difference_a, splat(kB) * difference_b);
  y[2] = fma(splat(kA2), sum_a, splat(kB2) * sum_b);
  y[3] = fma(splat(kA3), difference_a, fma(splat(kB3), difference_b, m[5]));
}

/// u (6) = G w (3).
inline void transform_filters(const Vec* w, Vec* u) {
  const Vec even_a = splat(kAtA) * fma(splat(kA2), w[2], w[0]), odd_a = splat(kAtA * kA) * w[1];
  const Vec even_b = splat(kAtB) * fma(splat(kB2), w[2], w[0]), odd_b = splat(kAtB * kB) * w[1];
  u[0] = splat(kAt0) * w[0];
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
  u[5] = w[2];
}

/// w (3) = G' s (6).
inline void transform_filter_gradients(const Vec* s, Vec* w) {
  const Vec sum_a = splat(kAtA) * (s[1] + s[2]), difference_a = splat(kAtA * kA) * (s[1] - s[2]);
  const Vec sum_b = splat(kAtB) * (s[3] + s[4]), difference_b = splat(kAtB * kB) * (s[3] - s[4]);
  w[0] = fma(splat(kAt0), s[0], sum_a + sum_b);
  w[1] = difference_a + difference_b;
  w[2] = fma(splat(kA2), sum_a, fma(splat(kB2), sum_b, s[5]));
}

/// The pixels of a column, `count` of them, transformed.
template <int kCount, class Transform>
inline void transform_column(const TileRowF32& row, std::int64_t column, std::int64_t c, const Transform& transform,
                             Vec* o) {
  Vec d[kCount];
  const bool inside = column >= 0 && column < row.width;
  for (int i = 0; i < kCount; ++i)
    d[i] = inside && row.pixels[i] != nullptr ? load(row.pixels[i] + column * row.channels + c) : zero();
  transform(d, o);
}

/// Stores the tile's positions (6, 6), from its transformed columns.
template <int kCount, class Transform>
inline void transform_rows(const Vec (&columns)[kCount][kWindowF32], const Transform& transform, float* to,
                           std::int64_t position_stride) {
  for (int i = 0; i < kWindowF32; ++i) {
    Vec d[kCount], o[kWindowF32];
    for (int j = 0; j < kCount; ++j) d[j] = columns[j][i];
    transform(d, o);
    for (int j = 0; j < kWindowF32; ++j) store(to + (kWindowF32 * i + j) * position_stride, o[j]);
  }
}

/// Calls body(begin, end, c) for a few tiles of the row and the channels of a vector, until it has been for all.
template <class Body>
inline void for_few_tiles(const TileRowF32& row, const Body& body) {
  for (std::int64_t begin = 0; begin < row.tiles; begin += kTiles)
    for (std::int64_t c = 0; c < row.channels; c += kWidth)
      body(begin, begin + kTiles < row.tiles ? begin + kTiles : row.tiles, c);
}

void transform_input(const TileRowF32& row, float* v, std::int64_t position_stride) {
  const auto transform = [](const Vec* d, Vec* o) { transform_inputs(d, o); };
  for_few_tiles(row, [&](std::int64_t begin, std::int64_t end, std::int64_t c) {
    // Two columns of a tile are the first of the next.
    Vec columns[kWindowF32][kWindowF32];
    for (int j = 0; j < 2; ++j) transform_column<kWindowF32>(row, kTileF32 * begin - 1 + j, c, transform, columns[j]);
    for (std::int64_t t = begin; t < end; ++t) {
      for (int j = 2; j < kWindowF32; ++j)
        transform_column<kWindowF32>(row, kTileF32 * t - 1 + j, c, transform, columns[j]);
      transform_rows(columns, transform, v + t * row.channels + c, position_stride);
      for (int i = 0; i < kWindowF32; ++i) {
        columns[0][i] = columns[kTileF32][i];
        columns[1][i] = columns[kTileF32 + 1][i];
      }
    }
  });
}

void transform_gradient(const TileRowF32& row, float* v, std::int64_t position_stride) {
  const auto transform = [](const Vec* g, Vec* o) { transform_gradients(g, o); };
  for_few_tiles(row, [&](std::int64_t begin, std::int64_t end, std::int64_t c) {
    for (std::int64_t t = begin; t < end; ++t) {
      Vec columns[kTileF32][kWindowF32];
      for (int j = 0; j < kTileF32; ++j) transform_column<kTileF32>(row, kTileF32 * t + j, c, transform, columns[j]);
      transform_rows(columns, transform, v + t * row.channels + c, position_stride);
    }
  });
}

/// kRows rows and kVectors vectors of columns, their sums in registers.
template <int kRows, int kVectors>
inline void multiply_tile(const ProductF32& product, std::int64_t column) {
  Vec sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j)
      sums[r][j] = product.accumulate ? load(product.c + r * product.c_row + column + j * kWidth) : zero();
  const float *a = product.a, *b = product.b + column;
  for (std::int64_t step = 0; step < product.steps; ++step, a += product.a_step, b += product.b_step) {
    Vec columns[kVectors];
    for (int j = 0; j < kVectors; ++j) columns[j] = load(b + j * kWidth);
    for (int r = 0; r < kRows; ++r) {
      const Vec row = splat(a[r * product.a_row]);
      for (int j = 0; j < kVectors; ++j) sums[r][j] = fma(row, columns[j], sums[r][j]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j) store(product.c + r * product.c_row + column + j * kWidth, sums[r][j]);
}

template <int kRows>
void multiply_rows(const ProductF32& product) {
  // AVX-512 has 32 registers, AVX2 16.
  constexpr int kVectors = kWidth == 16 ? 4 : 2;
  for (std::int64_t column = 0; column < kColumnsF32; column += kVectors * kWidth)
    multiply_tile<kRows, kVectors>(product, column);
}

void multiply(const ProductF32& product, int rows) {
  static_assert(kRowsF32 == 6);
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

void transform_output(const float* m, std::int64_t position_stride, std::int64_t tiles, const OutputF32& y) {
  for (std::int64_t t = 0; t < tiles; ++t)
    for (int c = 0; c < kColumnsF32; c += kWidth) {
      const float* from = m + t * kColumnsF32 + c;
      Vec columns[kWindowF32][kTileF32];  // A' m, turned round
      for (int j = 0; j < kWindowF32; ++j) {
        Vec column[kWindowF32];
        for (int i = 0; i < kWindowF32; ++i) column[i] = load(from + (kWindowF32 * i + j) * position_stride);
        transform_outputs(column, columns[j]);
      }
      const Vec shift = y.bias != nullptr ? load(y.bias + c) : zero();
      const std::int64_t left = y.width - kTileF32 * t;
      for (int i = 0; i < kTileF32; ++i) {
        if (y.rows[i] == nullptr) continue;
        Vec row[kWindowF32], out[kTileF32];
        for (int j = 0; j < kWindowF32; ++j) row[j] = columns[j][i];
        transform_outputs(row, out);
        for (int j = 0; j < kTileF32 && j < left; ++j) {
          float* to = y.rows[i] + (kTileF32 * t + j) * y.channels + c;
          Vec value = out[j] + shift;
          if (y.adds) value = value + load(to);
          store(to, y.relu ? relu(value) : value);
        }
      }
    }
}

/// Calls body(p, u) with the positions of u = G w G' for a vector of channels of a filter (3, 3, C), which may be
/// turned by 180 degrees.
template <bool kTurned, class Body>
inline void for_positions(const float* w, std::int64_t channels, const Body& body) {
  Vec columns[3][kWindowF32];  // G w, turned round
  for (int s = 0; s < 3; ++s) {
    Vec taps[3];
    for (int r = 0; r < 3; ++r) taps[r] = load(w + (kTurned ? 8 - (3 * r + s) : 3 * r + s) * channels);
    transform_filters(taps, columns[s]);
  }
  for (int i = 0; i < kWindowF32; ++i) {
    const Vec row[3] = {columns[0][i], columns[1][i], columns[2][i]};
    Vec u[kWindowF32];
    transform_filters(row, u);
    for (int j = 0; j < kWindowF32; ++j) body(kWindowF32 * i + j, u[j]);
  }
}

void transform_weights(const float* w, std::int64_t channels, float* u, std::int64_t position_stride) {
  for (std::int64_t c = 0; c < kColumnsF32; c += kWidth)
    for (int k = 0; k < kColumnsF32; k += kWidth) {
      Vec squares[kPositionsF32][kWidth];
      for (int i = 0; i < kWidth; ++i)
        for_positions<false>(w + (k + i) * 9 * channels + c, channels,
                             [&](int p, Vec value) { squares[p][i] = value; });
      for (int p = 0; p < kPositionsF32; ++p) {
        transpose(squares[p]);
        for (int i = 0; i < kWidth; ++i) store(u + p * position_stride + (c + i) * kColumnsF32 + k, squares[p][i]);
      }
    }
}

void transform_turned_weights(const float* w, std::int64_t channels, float* u, std::int64_t position_stride) {
  for (std::int64_t c = 0; c < channels; c += kWidth) {
    float* to = u + c / kColumnsF32 * kPositionsF32 * position_stride + c % kColumnsF32;
    for_positions<true>(w + c, channels, [&](int p, Vec value) {
      if constexpr (kWidth == 16)  // a whole line of the caches
        stream(to + p * position_stride, value);
      else
        store(to + p * position_stride, value);
    });
  }
  finish_streams();
}

void transform_weight_gradient(const float* s, std::int64_t position_stride, std::int64_t copies,
                               std::int64_t copy_stride, std::int64_t channels, float* w) {
  for (std::int64_t c = 0; c < channels; c += kWidth) {
    Vec columns[kWindowF32][3];  // G' s, turned round
    for (int j = 0; j < kWindowF32; ++j) {
      Vec column[kWindowF32];
      for (int i = 0; i < kWindowF32; ++i) {
        const float* from = s + (kWindowF32 * i + j) * position_stride + c;
        column[i] = load(from);
        for (std::int64_t copy = 1; copy < copies; ++copy) column[i] = column[i] + load(from + copy * copy_stride);
      }
      transform_filter_gradients(column, columns[j]);
    }
    for (int r = 0; r < 3; ++r) {
      Vec row[kWindowF32], taps[3];
      for (int j = 0; j < kWindowF32; ++j) row[j] = columns[j][r];
      transform_filter_gradients(row, taps);
      for (int q = 0; q < 3; ++q) store(w + (3 * r + q) * channels + c, taps[q]);
    }
  }
}

}  // namespace

const WinogradF32Kernels kWinogradF32{transform_input,          transform_gradient, multiply,
                                      transform_output,         transform_weights,  transform_turned_weights,
                                      transform_weight_gradient};

}  // namespace tandem::cpu::TANDEM_ISA
