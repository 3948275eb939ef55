#include "data/augment/ops/damage.h"

#include <algorithm>

#include "data/image/codec/codec.h"

namespace tandem::augment {

void erase(const Square& image, const Part& part, const std::optional<Fill>& value, Random noise) {
  for (int y = part.top; y < part.top + part.height; ++y) {
    std::uint8_t* pixel = image.row(y) + static_cast<std::ptrdiff_t>(part.left) * 3;
    for (int x = 0; x < part.width; ++x, pixel += 3)
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(value ? static_cast<std::uint32_t>((*value)[c]) : noise.bits() >> 24);
  }
}

void degrade_jpeg(const Square& image, int quality) {
  const std::vector<std::uint8_t> file = codec_encode_jpeg(image.pixels, image.size, image.size, quality);
  const Image decoded = decode_image(file, "JPEG artefacts");
  std::copy(decoded.pixels.begin(), decoded.pixels.end(), image.pixels.begin());
}

}  // namespace tandem::augment
