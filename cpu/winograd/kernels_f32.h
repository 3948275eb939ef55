#pragma once
// Serial kernels of Winograd's convolution F(4x4, 3x3) in f32 (Lavin and Gray 2016), for AVX2 and AVX-512.
//
// A tile is a 6x6 window of the input at stride 4, and the 4x4 outputs that it gives. P stands for one of the 36
// positions in a transformed tile. The points of interpolation are 0, 5/8, -5/8, 3/2, -3/2 and infinity: of their
// powers none is far from 1, and all are exact in f32, so that sums lose fewer digits than with 0, 1, -1, 2, -2.

#include <cstdint>

namespace tandem::cpu {

inline constexpr int kTileF32 = 4;        ///< outputs of a tile, each way
inline constexpr int kWindowF32 = 6;      ///< inputs of a tile, each way
inline constexpr int kPositionsF32 = 36;  ///< P
inline constexpr int kColumnsF32 = 64;    ///< columns of a product that are computed together
inline constexpr int kRowsF32 = 6;        ///< and rows

/// One row of tiles of an image: its six rows of pixels, (W, C) each; null where they lie outside of the image.
struct TileRowF32 {
  const float* pixels[kWindowF32];
  std::int64_t width, channels;
  std::int64_t tiles;
};

/// c (rows, 64) = a b, or += a b. Sums over `steps`: a's element for row r at a + r * a_row + step * a_step, b's 64 at
/// b + step * b_step.
struct ProductF32 {
  const float *a, *b;
  std::int64_t a_row, a_step, b_step, steps;
  float* c;
  std::int64_t c_row;
  bool accumulate;
};

/// What becomes of sums of 64 filters: y = [relu](sum [+ bias (64)] [+ y]).
struct OutputF32 {
  const float* bias;  ///< null: none
  bool adds, relu;
  float* rows[kTileF32];  ///< of pixels, (W, channels) each; null where they lie outside of the image
  std::int64_t width, channels;
};

struct WinogradF32Kernels {
  /// v = B' d B for each tile d of the row: tile t's C channels at v + position * position_stride + t * C.
  void (*transform_input)(const TileRowF32& row, float* v, std::int64_t position_stride);
  /// The same for v = A g A', g (4x4) being a tile of the output's gradient. Of the tile row, pixels[0] to [3] are
  /// used, at columns 4 t to 4 t + 3.
  void (*transform_gradient)(const TileRowF32& row, float* v, std::int64_t position_stride);
  /// The products of `rows` rows, at most kRowsF32.
  void (*multiply)(const ProductF32& product, int rows);
  /// A' m A for each of `tiles` tiles of a row: m (P, tiles, 64), positions `position_stride` apart.
  void (*transform_output)(const float* m, std::int64_t position_stride, std::int64_t tiles, const OutputF32& y);
  /// u = G w G' of 64 filters w (64, 3, 3, C) and 64 of their channels, turned round: u (P, 64 channels, 64 filters),
  /// positions `position_stride` apart.
  void (*transform_weights)(const float* w, std::int64_t channels, float* u, std::int64_t position_stride);
  /// u = G w G' of a filter w (3, 3, C) turned by 180 degrees: u (P, .., 64) for each 64 channels, which follow
  /// P * position_stride behind the 64 before.
  void (*transform_turned_weights)(const float* w, std::int64_t channels, float* u, std::int64_t position_stride);
  /// w = G' s G for a filter: from `copies` of s, `copy_stride` apart, which it adds; s (P, C), to w (3, 3, C).
  void (*transform_weight_gradient)(const float* s, std::int64_t position_stride, std::int64_t copies,
                                    std::int64_t copy_stride, std::int64_t channels, float* w);
};

namespace avx2 {
extern const WinogradF32Kernels kWinogradF32;
}
namespace avx512 {
extern const WinogradF32Kernels kWinogradF32;
}
namespace avx512_bf16 {
extern const WinogradF32Kernels kWinogradF32;
}

}  // namespace tandem::cpu
