#include "data/image/orientation.h"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

constexpr std::size_t kChannels = 3;

/// Exchanges rows and columns of a (rows, columns) matrix of blocks of `bytes` bytes, in place, along the cycles of the
/// permutation; a bit for each block says that it has arrived.
void transpose_blocks(std::uint8_t* data, std::size_t rows, std::size_t columns, std::size_t bytes) {
  const std::size_t blocks = rows * columns;
  std::vector<bool> arrived(blocks);
  std::vector<std::uint8_t> held(bytes);
  for (std::size_t start = 0; start < blocks; ++start) {
    if (arrived[start]) continue;
    // The block that belongs at (c, r) of the result lies at (r, c).
    std::memcpy(held.data(), data + start * bytes, bytes);
    for (std::size_t to = start;;) {
      arrived[to] = true;
      const std::size_t from = to % rows * columns + to / rows;
      if (from == start) {
        std::memcpy(data + to * bytes, held.data(), bytes);
        break;
      }
      std::memcpy(data + to * bytes, data + from * bytes, bytes);
      to = from;
    }
  }
}

/// Exchanges rows and columns. First within bands of some rows, through a copy of one band; what is left then is to
/// exchange blocks of that many pixels, which goes through memory far less than pixel by pixel.
void transpose(Image& image) {
  constexpr std::size_t kMostRows = 32;
  const auto height = static_cast<std::size_t>(image.height), width = static_cast<std::size_t>(image.width);
  std::size_t band_rows = std::min(kMostRows, height);
  while (height % band_rows != 0) --band_rows;
  const std::size_t band_bytes = band_rows * width * kChannels;
  std::vector<std::uint8_t> band(band_bytes);
  for (std::size_t y = 0; y < height; y += band_rows) {
    std::uint8_t* rows = image.row(static_cast<int>(y));
    std::memcpy(band.data(), rows, band_bytes);
    std::uint8_t* out = rows;
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t r = 0; r < band_rows; ++r, out += kChannels)
        std::memcpy(out, band.data() + (r * width + x) * kChannels, kChannels);
  }
  transpose_blocks(image.pixels.data(), height / band_rows, width, band_rows * kChannels);
  std::swap(image.height, image.width);
}

void mirror_columns(Image& image) {
  for (int y = 0; y < image.height; ++y)
    for (std::uint8_t *left = image.row(y), *right = image.row(y) + (image.width - 1) * 3; left < right;
         left += kChannels, right -= kChannels)
      std::swap_ranges(left, left + kChannels, right);
}

void mirror_rows(Image& image) {
  const std::ptrdiff_t bytes = image.width * static_cast<std::ptrdiff_t>(kChannels);
  for (int top = 0, bottom = image.height - 1; top < bottom; ++top, --bottom)
    std::swap_ranges(image.row(top), image.row(top) + bytes, image.row(bottom));
}

}  // namespace

void turn_upright(Image& image, int orientation) {
  if (orientation >= 5) transpose(image);
  if (orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7) mirror_columns(image);
  if (orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8) mirror_rows(image);
}

}  // namespace tandem
