#pragma once
// Photos to plant copies of: drawn ones, and what becomes of them on the way.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "data/image/transform.h"
#include "data/synth/products.h"
#include "data/synth/scene.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"

namespace tandem::test {

/// A drawn photo; another number draws another.
inline Image photo(std::uint32_t number, int size = 160) {
  const auto products = synth::products();
  return synth::paint_scene(products[number % products.size()], size, Random(11, RandomPurpose::test, 0, 0, number));
}

/// A part of it at a size, mirrored or not.
inline Image part_of(const Image& image, const Box& box, int height, int width, bool mirrored = false) {
  Image part{height, width, {}};
  part.pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  resize_image(image, box, height, width, {0, 0, height, width}, mirrored, {}, part.pixels);
  return part;
}

inline Image resized(const Image& image, int height, int width) {
  return part_of(image, {0, 0, image.height, image.width}, height, width);
}

inline Image mirrored(const Image& image) {
  return part_of(image, {0, 0, image.height, image.width}, image.height, image.width, true);
}

/// Compressed as JPEG and read again.
inline Image recompressed(const Image& image, int quality) {
  const std::string jpeg = jpeg_content(image, {.quality = quality});
  return decode_image(std::span(reinterpret_cast<const std::uint8_t*>(jpeg.data()), jpeg.size()), "jpeg");
}

inline Image brightened(Image image) {
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(std::min(255, value * 7 / 8 + 30));
  return image;
}

}  // namespace tandem::test
