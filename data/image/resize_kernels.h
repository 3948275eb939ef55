#pragma once
// The inner loops of resizing: sums of pixels times weights of 22 bits. Each is there for several instruction sets, and
// all give the same bits.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// A sum of pixels times weights, which are scaled by 2^22, becomes a pixel again: rounded, and held to 0..255.
constexpr int kResizeWeightBits = 22;

/// How the columns of an output row are averaged along a row of RGB pixels.
struct RowAverages {
  std::span<const int> first;             // (columns): pixel of the row at which a column's weights begin
  std::span<const int> used;              // (columns): how many they are
  std::span<const std::int32_t> weights;  // (columns, taps)
  std::size_t taps = 0;
};

struct ResizeKernels {
  const char* isa;
  /// Averages along each of `rows` rows, `stride` bytes apart; the last one's pixels end before `end`, which the kernel
  /// does not read. Writes (rows, columns, 3).
  void (*along_rows)(const std::uint8_t* from, std::size_t stride, const std::uint8_t* end, int rows,
                     const RowAverages& columns, std::uint8_t* out);
  /// Averages `taps` rows, `stride` bytes apart, of `bytes` bytes, one below the other.
  void (*across_rows)(const std::uint8_t* from, std::size_t stride, std::size_t bytes, const std::int32_t* weights,
                      int taps, std::uint8_t* out);
};

/// Those that this processor can run, the fastest last.
std::vector<const ResizeKernels*> available_resize_kernels();

/// The fastest of them.
const ResizeKernels& resize_kernels();

}  // namespace tandem
