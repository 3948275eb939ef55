#include "data/image/codec/codec.h"

namespace tandem {

Decoded codec_decode(std::span<const std::uint8_t> file, const ImageHeader& header) {
  switch (header.format) {
    case ImageFormat::jpeg:
      return decode_jpeg(file, header, {0, 0, static_cast<int>(header.height), static_cast<int>(header.width)}, 8);
    case ImageFormat::png:
      return decode_png(file, header);
    default:
      return decode_other(file, header);
  }
}

void lay_on_white(Image& image) {
  constexpr unsigned kOpaque = 255, kWhite = 255;
  const std::size_t pixels = image.pixels.size() / 4;
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t* from = image.pixels.data() + 4 * i;
    std::uint8_t* to = image.pixels.data() + 3 * i;
    const unsigned alpha = from[3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned sum = from[c] * alpha + kWhite * (kOpaque - alpha);
      to[c] = static_cast<std::uint8_t>((sum + kOpaque / 2) / kOpaque);
    }
  }
  image.pixels.resize(pixels * 3);
}

}  // namespace tandem
