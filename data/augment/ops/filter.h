#pragma once
// Ops that mix neighbouring pixels.

#include "data/augment/ops/square.h"

namespace tandem::augment {

/// x + (1 - factor) (s - x), cut downwards to 0 .. 255, with s the mean of the 3 x 3 pixels around, in which the middle
/// counts 5 times, rounded. Pixels at the edge stay; so does a picture of at most 2 pixels a side.
void adjust_sharpness(const Square& image, float factor, Scratch& scratch);

/// The mean under a Gaussian of `sigma` pixels that is cut to `kernel_size` pixels a side, an odd number below twice
/// the picture's side; the picture is mirrored at its edges, which are not repeated. Rounded.
void gaussian_blur(const Square& image, int kernel_size, float sigma, Scratch& scratch);

}  // namespace tandem::augment
