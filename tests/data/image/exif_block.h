#pragma once
// EXIF blocks, and the containers that they are put into.

#include <cstddef>
#include <cstdint>
#include <string>

#include "data/image/image.h"

namespace tandem::test {

/// Numbers as bytes, most significant first or last.
inline std::string bytes_of(std::uint32_t value, int bytes, bool big) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * (big ? bytes - 1 - i : i));
  return text;
}

/// A TIFF structure with one directory: another entry, then the orientation as a number of this TIFF type (1: a byte,
/// 3: of two, 4: of four).
inline std::string tiff_block(int orientation, bool big = false, int type = 3) {
  const auto number = [&](std::uint32_t value, int bytes) { return bytes_of(value, bytes, big); };
  const int size = type == 1 ? 1 : type == 3 ? 2 : 4;
  std::string value = number(static_cast<std::uint32_t>(orientation), size);
  value.resize(4);
  return (big ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) + number(0x0100, 2) + number(3, 2) +
         number(1, 4) + number(0, 4) + number(0x0112, 2) + number(static_cast<std::uint32_t>(type), 2) + number(1, 4) +
         value + number(0, 4);
}

/// A JPEG segment: its marker, its length, its content.
inline std::string jpeg_segment(int marker, const std::string& content) {
  return std::string("\xFF") + static_cast<char>(marker) +
         bytes_of(static_cast<std::uint32_t>(content.size() + 2), 2, true) + content;
}

inline std::string exif_segment(const std::string& tiff) {
  return jpeg_segment(0xE1, std::string("Exif\0\0", 6) + tiff);
}

/// A JPEG file with segments put behind its first two bytes.
inline std::string with_segments(const std::string& jpeg, const std::string& segments) {
  return jpeg.substr(0, 2) + segments + jpeg.substr(2);
}

inline std::string webp_chunk(const std::string& type, const std::string& content) {
  return type + bytes_of(static_cast<std::uint32_t>(content.size()), 4, false) + content +
         std::string(content.size() % 2, '\0');
}

/// A WebP file, simple or extended, as an extended one with an EXIF chunk at its end.
inline std::string webp_with_exif(const std::string& webp, int height, int width, bool alpha, const std::string& exif) {
  std::string chunks = webp.substr(12);
  if (chunks.compare(0, 4, "VP8X") == 0) chunks.erase(0, 18);
  const auto size = [](int side) { return bytes_of(static_cast<std::uint32_t>(side - 1), 3, false); };
  const std::string header = bytes_of(alpha ? 0x18 : 0x08, 4, false) + size(width) + size(height);
  const std::string content = "WEBP" + webp_chunk("VP8X", header) + chunks + webp_chunk("EXIF", exif);
  return "RIFF" + bytes_of(static_cast<std::uint32_t>(content.size()), 4, false) + content;
}

/// What a stored picture shows upright, by the definition of each orientation: where in it a pixel comes from.
inline Image turned(const Image& stored, int orientation) {
  const bool lying = orientation >= 5;
  Image image{lying ? stored.width : stored.height, lying ? stored.height : stored.width, {}};
  const int bottom = stored.height - 1, right = stored.width - 1;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const int rows[] = {y, y, bottom - y, bottom - y, x, bottom - x, bottom - x, x};
      const int columns[] = {x, right - x, right - x, x, y, y, right - y, right - y};
      const std::uint8_t* pixel = stored.row(rows[orientation - 1]) + columns[orientation - 1] * 3;
      image.pixels.insert(image.pixels.end(), pixel, pixel + 3);
    }
  return image;
}

}  // namespace tandem::test
