#pragma once
// Serial kernels of Winograd's convolution F(2x2, 3x3) in bf16 (Lavin and Gray 2016), for processors with bf16
// instructions. Transforms are computed in f32 and rounded once to bf16; products of transformed tiles are summed in
// f32.
//
// A tile is a 4x4 window of the input at stride 2, and the 2x2 outputs that it gives. P stands for one of the 16
// positions in a transformed tile. bf16 travels as std::uint16_t. Two neighbours along the dimension that a product
// sums over lie side by side, (.., 2), as the processor's bf16 product wants them.

#include <cstdint>

namespace tandem::cpu {

inline constexpr int kWinogradPositions = 16;  ///< P
inline constexpr int kWinogradColumns = 64;    ///< columns of a product that are computed together
inline constexpr int kWinogradRows = 6;        ///< and rows

/// One row of tiles of an image: its four rows of pixels, (W, C) each; null where they lie outside of the image.
struct WinogradTileRow {
  const std::uint16_t* pixels[4];
  std::int64_t width, channels;
  std::int64_t tiles;
};

/// c (rows, 64) f32 = a b, or += a b. Sums over `steps` pairs: a's pair for row r at a + r * a_row + step * a_step
/// (elements of 2 bf16), b's 64 pairs at b + step * b_step.
struct WinogradProduct {
  const std::uint32_t *a, *b;
  std::int64_t a_row, a_step, b_step, steps;
  float* c;
  std::int64_t c_row;
  bool accumulate;
};

struct WinogradKernels {
  /// v = B' d B for each tile d of the row: tile t's C channels at v + position * position_stride + t * C.
  void (*transform_input)(const WinogradTileRow& row, std::uint16_t* v, std::int64_t position_stride);
  /// The same for the rows of two images, side by side: v (.., C, 2). `second.pixels` are all null behind the last
  /// image.
  void (*transform_input_pairs)(const WinogradTileRow& first, const WinogradTileRow& second, std::uint16_t* v,
                                std::int64_t position_stride);
  /// v = A g A' for each 2x2 tile g of the gradient, two images side by side, as transform_input_pairs. Of the tile
  /// rows, `pixels[0]` and `pixels[1]` are used, at columns 2 t and 2 t + 1.
  void (*transform_gradient_pairs)(const WinogradTileRow& first, const WinogradTileRow& second, std::uint16_t* v,
                                   std::int64_t position_stride);
  /// The products of `rows` rows, at most kWinogradRows.
  void (*multiply)(const WinogradProduct& product, int rows);
  /// y = [relu]( A' m A [+ bias] ) for each of `tiles` tiles of a row: m (P, tiles, 64) f32, positions
  /// `position_stride` apart, to 64 channels of two rows of pixels, (W, channels) each; `lower` is null where the
  /// second lies outside of the image, `bias` (64) where there is none.
  void (*transform_output)(const float* m, std::int64_t position_stride, std::int64_t tiles, std::int64_t width,
                           std::int64_t channels, const float* bias, bool relu, std::uint16_t* upper,
                           std::uint16_t* lower);
  /// u = G w G' for 16 channels of a filter: w's 3x3 taps `tap_stride` apart; u (P, 16) f32, positions
  /// `position_stride` apart.
  void (*transform_weights)(const float* w, std::int64_t tap_stride, float* u, std::int64_t position_stride);
  /// The same for all C channels, taps C apart, of two filters turned by 180 degrees, side by side: u (P, .., 64, 2)
  /// bf16 for each 64 channels, which follow P * position_stride behind the 64 before. Stored past the caches.
  void (*transform_turned_weights)(const float* first, const float* second, std::int64_t channels, std::uint16_t* u,
                                   std::int64_t position_stride);
  /// w = G' s G: from `copies` of s, `copy_stride` apart, which it adds; s (P, 16) f32, to taps as above.
  void (*transform_weight_gradient)(const float* s, std::int64_t position_stride, std::int64_t copies,
                                    std::int64_t copy_stride, float* w, std::int64_t tap_stride);
};

/// Null where the processor, or the TANDEM_CPU_ISA asked for, has no bf16 instructions.
const WinogradKernels* winograd_kernels();

namespace avx512_bf16 {
extern const WinogradKernels kWinograd;
}

}  // namespace tandem::cpu
