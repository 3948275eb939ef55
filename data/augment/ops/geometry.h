#pragma once
// Ops that move pixels. Each pixel of the result is taken from the place in the picture that the inverse of the
// movement leads to: the nearest pixel, or the four around it in proportion to their distance (bilinear). Outside the
// picture lies the colour `fill`; with bilinear, pixels at the edge are mixed with it.

#include <array>

#include "data/augment/augment_options.h"
#include "data/augment/ops/square.h"

namespace tandem::augment {

/// Where pixels come from, and what is outside.
struct Surroundings {
  Sampling interpolation = Sampling::nearest;
  Fill fill = {};
};

/// A rotation, a shear, a scale about the middle, or about the upper left corner, and then a shift: torchvision's
/// affine(). x runs to the right, y downwards.
struct Movement {
  double angle = 0;                      ///< degrees, clockwise
  std::array<double, 2> translate = {};  ///< pixels
  double scale = 1;
  std::array<double, 2> shear = {};  ///< degrees, along x and y
  bool about_corner = false;
};

/// The corners of the picture, upper left, upper right, lower right, lower left, as (x, y).
using Corners = std::array<std::array<int, 2>, 4>;

void flip_vertically(const Square& image);
void move(const Square& image, const Movement& movement, const Surroundings& surroundings, Scratch& scratch);
/// Moves the picture's corners, (0, 0) to (size - 1, size - 1), to `corners`, no three of which are on one line:
/// torchvision's perspective().
void change_perspective(const Square& image, const Corners& corners, const Surroundings& surroundings,
                        Scratch& scratch);

}  // namespace tandem::augment
