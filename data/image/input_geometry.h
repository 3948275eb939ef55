#pragma once
// What a network expects of an image: the square of pixels that it sees, and what their numbers mean.

#include <array>
#include <optional>

#include "core/base/option_keys.h"

namespace tandem {

/// The filter under which an image is resized, of half the width `reach`: triangle 1, cubic (a = -0.5) 2, Lanczos 3.
enum class Interpolation { bilinear, bicubic, lanczos };

constexpr auto enum_names(Interpolation) {
  using enum Interpolation;
  return std::to_array<EnumName<Interpolation>>({{bilinear, "bilinear"}, {bicubic, "bicubic"}, {lanczos, "lanczos"}});
}

/// How an image is resized. Antialiased: where it shrinks, the filter is widened by as much, as in Pillow. Otherwise
/// the filter keeps its width, as in OpenCV, and pixels between are passed over.
struct Resampling {
  Interpolation interpolation = Interpolation::bilinear;
  bool antialias = true;

  bool operator==(const Resampling&) const = default;
};

struct InputOptions;

/// The square that a network sees of an image.
struct InputGeometry {
  /// The usual square of a size: RGB, and the middle 7/8 of the shorter side.
  InputGeometry(int side = 224);  // NOLINT(google-explicit-constructor): a size alone says all
  InputGeometry(const InputOptions& options, int side);

  int size;             ///< pixels, both sides of the square
  int resize;           ///< pixels, what the image is resized to before the middle is cut out
  bool squash = false;  ///< both sides become `resize`; else the shorter one, and the other in proportion
  /// Present: the longer side becomes `resize`, and this colour, red, green and blue, is around the image.
  std::optional<std::array<int, 3>> letterbox = {};
  Resampling resampling = {};
  bool bgr = false;  ///< the order of the channels; else RGB

  bool operator==(const InputGeometry&) const = default;
};

/// The config's "model.input": what the network expects of an image. A channel of a pixel, from 0 to 255, becomes
/// (pixel * scale - mean) / std.
struct InputOptions {
  enum class Channels { rgb, bgr };
  enum class Resize { shorter_side, squash, letterbox };
  static constexpr double kUnitScale = 1 / 255.0;
  static constexpr std::array kDefaultFill = {124, 116, 104};  // ImageNet's mean

  Channels channels = Channels::rgb;
  double scale = kUnitScale;
  std::array<double, 3> mean = {0.485, 0.456, 0.406};       ///< in the order of `channels`
  std::array<double, 3> deviation = {0.229, 0.224, 0.225};  ///< likewise
  Resize resize = Resize::shorter_side;
  double crop = 0.875;  ///< the share of the resized side that the middle has: resized to round(size / crop)
  Interpolation interpolation = Interpolation::bilinear;
  bool antialias = true;
  std::array<int, 3> fill = kDefaultFill;  ///< the colour around the image in a letterbox: red, green, blue

  bool operator==(const InputOptions&) const = default;
};

constexpr auto enum_names(InputOptions::Channels) {
  using enum InputOptions::Channels;
  return std::to_array<EnumName<InputOptions::Channels>>({{rgb, "RGB"}, {bgr, "BGR"}});
}
constexpr auto enum_names(InputOptions::Resize) {
  using enum InputOptions::Resize;
  return std::to_array<EnumName<InputOptions::Resize>>(
      {{shorter_side, "shorter_side"}, {squash, "squash"}, {letterbox, "letterbox"}});
}

template <class Keys, Of<InputOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("channels", c.channels);
  keys("scale", c.scale, Range{.low = 0, .high = 1000, .without_low = true});
  keys("mean", c.mean, Range{-1e6, 1e6});
  keys("std", c.deviation, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("resize", c.resize);
  keys("fill", c.fill, Range{0, 255});
  keys("crop", c.crop, Range{.low = 0.01, .high = 1});
  keys("interpolation", c.interpolation);
  keys("antialias", c.antialias);
}

inline void check_options(const InputOptions& c, OptionProblems& problems) {
  if (c.resize == InputOptions::Resize::letterbox) {
    if (c.crop != 1) problems.push_back({"/crop", "1, since a letterbox shows the whole image"});
  } else {
    check_unused("/fill", c.fill, InputOptions::kDefaultFill, c.resize, problems);
  }
  if (!c.antialias && c.interpolation != Interpolation::bilinear)
    problems.push_back({"/antialias", ", since only \"bilinear\" is done without", true});
}

}  // namespace tandem
