#pragma once
// What the bytes of an image file say about themselves, before any pixel is decoded: the decoders happily return a grey
// rest for a file cut short, and allocate whatever a header asks for.

#include <cstdint>
#include <span>

namespace tandem {

enum class ImageFormat { unknown, jpeg, png, bmp, webp };

/// "JPEG", "PNG", ...
const char* format_name(ImageFormat format);

struct ImageHeader {
  ImageFormat format = ImageFormat::unknown;
  bool complete = false;    // the file reaches the end that its format marks
  std::int64_t height = 0;  // meaningful if complete
  std::int64_t width = 0;
  bool alpha = false;   // PNG, WebP: pixels may be transparent
  int orientation = 1;  // JPEG, PNG, WebP: EXIF's or XMP's, 1 to 8; 1, upright, where neither has one
  std::span<const std::uint8_t> exif = {};  // a part of the file: its first EXIF block, if it has one
};

/// Reads the header and walks the file's structure to its end. Never throws; junk is ImageFormat::unknown.
ImageHeader read_image_header(std::span<const std::uint8_t> file);

}  // namespace tandem
