#pragma once
// What happens to one picture: its random numbers become a list of steps, each an op with its arguments; the steps are
// then applied, or named for people. Which steps come depends on the options, the picture's size and its random
// sequence alone, not on its pixels.
//
// Each option of AugmentOptions draws from a sequence of its own, random.named(KEY) with the option's key, first
// whether it is applied (where it has a p) and then its arguments. So switching one on or off changes no other's
// numbers.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/rng.h"
#include "data/augment/ops/damage.h"
#include "data/augment/ops/geometry.h"
#include "data/augment/ops/square.h"

namespace tandem::augment {

struct Identity {};
struct VerticalFlip {};
struct Move {
  Movement movement;
  Surroundings surroundings;
};
struct Perspective {
  Corners corners;
  Surroundings surroundings;
};
struct Brightness {
  float factor;
};
struct Contrast {
  float factor;
};
struct Saturation {
  float factor;
};
struct Hue {
  float turns;
};
struct Grayscale {};
struct Posterize {
  int bits;
};
struct Solarize {
  float threshold;
};
struct Equalize {};
struct Autocontrast {};
struct Invert {};
struct Sharpness {
  float factor;
};
struct GaussianBlur {
  int kernel_size;
  float sigma;
};
struct Jpeg {
  int quality;
};
struct Erase {
  Part part;
  std::optional<Fill> value;
  Random noise;
};
struct AugMix;

using Step =
    std::variant<Identity, VerticalFlip, Move, Perspective, Brightness, Contrast, Saturation, Hue, Grayscale, Posterize,
                 Solarize, Equalize, Autocontrast, Invert, Sharpness, GaussianBlur, Jpeg, Erase, AugMix>;

/// Several chains of steps, each from the picture as it is, mixed with it: the sum of own x and of weights[i] times
/// chain i's result, cut to an integer downwards.
struct AugMix {
  float own = 1;
  std::vector<float> weights;
  std::vector<std::vector<Step>> chains;
};

using Plan = std::vector<Step>;

/// The steps for a picture of `size` pixels a side, in the order in which they are applied: that of the keys of
/// AugmentOptions, from vertical_flip on.
Plan draw_plan(const AugmentOptions& options, int size, const Random& random);

/// Applies the steps one after the other.
void apply(const Plan& plan, const Square& image);

/// draw_plan(), then apply(), to pixels (size, size, 3).
void augment_square(const AugmentOptions& options, std::span<std::uint8_t> pixels, int size, const Random& random);

/// A step for people: "brightness 1.21", "rotated by -12.3 degrees".
std::string to_string(const Step& step);

/// The steps, with commas between.
std::string to_string(const Plan& plan);

/// The options that are on, with their values as a config has them, for people: "random_resized_crop [0.35, 1], flip".
std::string describe(const AugmentOptions& options);

}  // namespace tandem::augment
