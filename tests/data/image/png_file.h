#pragma once
// PNG files of every kind, written by the specification, without a library: the deflated data is stored, not packed.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/data/image/exif_block.h"

namespace tandem::test {

/// Samples as they are in the file: (height, width, channels) numbers of `depth` bits. Colour types: 0 grey, 2 RGB, 3
/// palette, 4 grey and alpha, 6 RGB and alpha.
struct PngFile {
  int height = 0, width = 0;
  int colour_type = 0, depth = 8;
  bool interlaced = false;
  std::vector<std::uint32_t> samples;
  std::string palette, transparency;        // the content of PLTE and of tRNS; empty: none
  std::string chunks_before, chunks_after;  // whole chunks, before and after the pixels

  int channels() const { return colour_type == 2 ? 3 : colour_type == 4 ? 2 : colour_type == 6 ? 4 : 1; }
};

inline std::string png_chunk(const std::string& type, const std::string& content) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : type + content) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return bytes_of(static_cast<std::uint32_t>(content.size()), 4, true) + type + content + bytes_of(~crc, 4, true);
}

/// A zlib stream of stored blocks.
inline std::string stored_zlib(const std::string& data) {
  constexpr std::size_t kMost = 65535;
  std::string stream = "\x78\x01";
  std::uint32_t a = 1, b = 0;
  for (std::size_t at = 0; at < data.size(); at += kMost) {
    const auto length = static_cast<std::uint32_t>(std::min(kMost, data.size() - at));
    stream += static_cast<char>(at + kMost >= data.size());
    stream += bytes_of(length, 2, false) + bytes_of(~length, 2, false) + data.substr(at, length);
  }
  for (const char c : data) {
    a = (a + static_cast<std::uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return stream + bytes_of(b << 16 | a, 4, true);
}

/// The rows of one pass: every column_step-th sample of every row_step-th row, each row after a byte for "no filter".
inline std::string png_pass(const PngFile& png, int row, int column, int row_step, int column_step) {
  std::string rows;
  for (int y = row; y < png.height && column < png.width; y += row_step) {
    rows += '\0';
    std::uint32_t bits = 0;
    int filled = 0;
    for (int x = column; x < png.width; x += column_step)
      for (int c = 0; c < png.channels(); ++c) {
        const std::uint32_t sample = png.samples[static_cast<std::size_t>((y * png.width + x) * png.channels() + c)];
        bits = bits << png.depth | sample;
        filled += png.depth;
        for (; filled >= 8; filled -= 8) rows += static_cast<char>(bits >> (filled - 8));
      }
    if (filled > 0) rows += static_cast<char>(bits << (8 - filled));
  }
  return rows;
}

inline std::string png_content(const PngFile& png) {
  const auto number = [](int value) { return bytes_of(static_cast<std::uint32_t>(value), 4, true); };
  std::string rows;
  if (png.interlaced) {
    constexpr std::array<std::array<int, 4>, 7> kAdam7 = {
        {{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4}, {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}}};
    for (const auto& [row, column, row_step, column_step] : kAdam7)
      rows += png_pass(png, row, column, row_step, column_step);
  } else {
    rows = png_pass(png, 0, 0, 1, 1);
  }
  const std::string kind = {static_cast<char>(png.depth), static_cast<char>(png.colour_type), 0, 0,
                            static_cast<char>(png.interlaced)};
  std::string file = "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", number(png.width) + number(png.height) + kind);
  if (!png.palette.empty()) file += png_chunk("PLTE", png.palette);
  if (!png.transparency.empty()) file += png_chunk("tRNS", png.transparency);
  return file + png.chunks_before + png_chunk("IDAT", stored_zlib(rows)) + png.chunks_after + png_chunk("IEND", "");
}

}  // namespace tandem::test
