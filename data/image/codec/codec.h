#pragma once
// The one place where third-party libraries touch pixels: libjpeg-turbo and libpng, and for the other formats OpenCV
// or, without it, stb_image, as chosen in CMake.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/image/image_header.h"
#include "data/image/resize.h"

namespace tandem {

/// What a library makes of a file.
struct Decoded {
  Image image;          // without pixels if there are none to be had
  std::string flaw;     // what is wrong with the file, in a few words; empty: nothing
  bool damaged = true;  // with a flaw: the file is damaged, and its pixels, if it has any, are those that are left;
                        // else it is of a kind that the library does not read
  int top = 0;          // the place of the image's first pixel, where only a part is decoded
  int left = 0;
};

/// The formats that this build decodes, for messages: "JPEG, PNG, BMP or WebP".
const char* codec_formats();

/// Decodes a complete file to RGB as it is stored, not turned; what is transparent is laid on white. Nothing is written
/// to standard error. Throws std::bad_alloc where memory does not suffice.
Decoded codec_decode(std::span<const std::uint8_t> file, const ImageHeader& header);

/// At least the part `needed` of the picture that is reduced to eighths / 8 of its size, 1 to 8. The pixels in it are
/// those of the whole picture; the rest of the file is read, but no pixels are made of it.
Decoded decode_jpeg(std::span<const std::uint8_t> file, const ImageHeader& header, const Box& needed, int eighths);
Decoded decode_png(std::span<const std::uint8_t> file, const ImageHeader& header);
/// The remaining formats, by OpenCV or stb_image.
Decoded decode_other(std::span<const std::uint8_t> file, const ImageHeader& header);

/// Lays RGBA or BGRA pixels, not multiplied by their alpha, on white, in place: `image` has four values a pixel before
/// and three after.
void lay_on_white(Image& image);

/// A PNG file of the image. Throws Error.
std::vector<std::uint8_t> codec_encode_png(const Image& image);

/// A baseline JPEG file of rows of RGB pixels (height, width, 3), colours at half the resolution, Huffman tables of the
/// standard; quality 1 to 100. Throws Error.
std::vector<std::uint8_t> codec_encode_jpeg(std::span<const std::uint8_t> pixels, int height, int width, int quality);

}  // namespace tandem
