#pragma once
// The one place where a third-party library touches pixels: codec_opencv.cpp or codec_stb.cpp, chosen in CMake.

#include <cstdint>
#include <span>
#include <vector>

#include "data/image/image.h"
#include "data/image/image_header.h"

namespace tandem {

/// The formats that this build decodes, for messages: "JPEG, PNG, BMP or WebP".
const char* codec_formats();

/// Decodes a complete file to RGB, what is transparent laid on white; `alpha` as in its header. Returns an image
/// without pixels if the library finds it damaged or cannot read its format.
Image codec_decode(std::span<const std::uint8_t> file, bool alpha);

/// RGBA pixels (height, width, 4), not multiplied by their alpha, laid on white.
Image on_white(int height, int width, const std::uint8_t* rgba);

/// A PNG file of the image. Throws Error.
std::vector<std::uint8_t> codec_encode_png(const Image& image);

}  // namespace tandem
