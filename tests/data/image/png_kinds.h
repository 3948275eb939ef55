#pragma once
// Every kind of PNG file that the specification allows, and the pixels that it has by the specification.

#include <cmath>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "data/image/image.h"
#include "tests/data/image/png_file.h"

namespace tandem::test {

struct PngKind {
  const char* name;
  int colour_type, depth;
  bool transparency;  // a chunk tRNS
};

constexpr PngKind kPngKinds[] = {{"grey 1", 0, 1, false},
                                 {"grey 2", 0, 2, false},
                                 {"grey 4", 0, 4, false},
                                 {"grey 8", 0, 8, false},
                                 {"grey 16", 0, 16, false},
                                 {"grey 1, one clear", 0, 1, true},
                                 {"grey 2, one clear", 0, 2, true},
                                 {"grey 4, one clear", 0, 4, true},
                                 {"grey 8, one clear", 0, 8, true},
                                 {"grey 16, one clear", 0, 16, true},
                                 {"RGB 8", 2, 8, false},
                                 {"RGB 16", 2, 16, false},
                                 {"RGB 8, one clear", 2, 8, true},
                                 {"RGB 16, one clear", 2, 16, true},
                                 {"palette 1", 3, 1, false},
                                 {"palette 2", 3, 2, false},
                                 {"palette 4", 3, 4, false},
                                 {"palette 8", 3, 8, false},
                                 {"palette 1, alpha", 3, 1, true},
                                 {"palette 2, alpha", 3, 2, true},
                                 {"palette 4, alpha", 3, 4, true},
                                 {"palette 8, alpha", 3, 8, true},
                                 {"grey alpha 8", 4, 8, false},
                                 {"grey alpha 16", 4, 16, false},
                                 {"RGB alpha 8", 6, 8, false},
                                 {"RGB alpha 16", 6, 16, false}};

/// A file of the kind with random samples. Where one colour is transparent, a third of the pixels have it, and another
/// third one that differs from it in the last bit alone.
inline PngFile random_png(const PngKind& kind, int height, int width, bool interlaced, Random& random) {
  PngFile png{height, width, kind.colour_type, kind.depth, interlaced, {}, {}, {}, {}, {}};
  const std::uint32_t values = 1U << kind.depth;
  const auto channels = static_cast<std::size_t>(png.channels());
  std::vector<std::uint32_t> clear;
  for (std::size_t c = 0; c < channels; ++c) clear.push_back(random.below(values));
  for (int i = 0; i < height * width; ++i) {
    const std::uint32_t third = kind.transparency && kind.colour_type != 3 ? random.below(3) : 2;
    for (std::size_t c = 0; c < channels; ++c)
      png.samples.push_back(third == 0 ? clear[c] : third == 1 ? clear[c] ^ (c + 1 == channels) : random.below(values));
  }
  if (kind.colour_type == 3) {
    for (std::uint32_t i = 0; i < 3 * values; ++i) png.palette += static_cast<char>(random.bits() >> 24);
    // May be shorter than the palette: the rest is opaque.
    for (std::uint32_t i = 0; kind.transparency && i < values - values / 4; ++i)
      png.transparency += static_cast<char>(random.bits() >> 24);
  } else if (kind.transparency) {
    for (const std::uint32_t c : clear) png.transparency += bytes_of(c, 2, true);
  }
  return png;
}

/// A pixel of a file, on white. Samples of less than 8 bits are scaled so that the largest becomes 255, of 16 bits
/// the upper 8 are kept.
inline std::array<std::uint8_t, 3> specified_pixel(const PngFile& png, std::size_t index) {
  const auto channels = static_cast<std::size_t>(png.channels());
  const std::uint32_t* samples = png.samples.data() + index * channels;
  const auto eight_bits = [&](std::uint32_t sample) {
    return png.depth == 16 ? sample >> 8 : sample * 255 / ((1U << png.depth) - 1);
  };
  const auto byte = [](const std::string& text, std::size_t at) {
    return at < text.size() ? static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[at])) : 255;
  };
  std::uint32_t alpha = 255;
  std::array<std::uint32_t, 3> colour{};
  if (png.colour_type == 3) {
    for (std::size_t c = 0; c < 3; ++c) colour[c] = byte(png.palette, samples[0] * 3 + c);
    alpha = byte(png.transparency, samples[0]);
  } else {
    const bool grey = png.colour_type == 0 || png.colour_type == 4;
    for (std::size_t c = 0; c < 3; ++c) colour[c] = eight_bits(samples[grey ? 0 : c]);
    if (png.colour_type >= 4) alpha = eight_bits(samples[channels - 1]);
    bool clear = !png.transparency.empty();
    for (std::size_t c = 0; clear && c < channels; ++c)
      clear = samples[c] == (byte(png.transparency, 2 * c) << 8 | byte(png.transparency, 2 * c + 1));
    if (clear) alpha = 0;
  }
  std::array<std::uint8_t, 3> pixel{};
  for (std::size_t c = 0; c < 3; ++c)
    pixel[c] = static_cast<std::uint8_t>(std::lround((colour[c] * alpha + 255.0 * (255 - alpha)) / 255.0));
  return pixel;
}

inline Image specified_image(const PngFile& png) {
  Image image{png.height, png.width, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(png.height * png.width); ++i)
    for (const std::uint8_t value : specified_pixel(png, i)) image.pixels.push_back(value);
  return image;
}

}  // namespace tandem::test
