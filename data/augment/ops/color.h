#pragma once
// Ops that change the colour of each pixel. x is a channel of a pixel, 0 to 255; results are cut to that range and to
// an integer, downwards.

#include "data/augment/ops/square.h"

namespace tandem::augment {

/// factor x.
void adjust_brightness(const Square& image, float factor);
/// factor x + (1 - factor) m, with m the mean of the grey picture (see grayscale()).
void adjust_contrast(const Square& image, float factor);
/// factor x + (1 - factor) g, with g the grey of the pixel.
void adjust_saturation(const Square& image, float factor);
/// Turns the hue, of HSV, by `turns`, -0.5 to 0.5.
void adjust_hue(const Square& image, float turns);
/// Each channel becomes g = 0.2989 red + 0.587 green + 0.114 blue, cut to an integer.
void grayscale(const Square& image);
/// Keeps the upper `bits` of each channel, 0 to 8.
void posterize(const Square& image, int bits);
/// 255 - x where x >= threshold.
void solarize(const Square& image, float threshold);
/// 255 - x.
void invert(const Square& image);
/// For each channel, (x - low) 255 / (high - low) with its lowest and highest value; a channel of one value stays.
void autocontrast(const Square& image);
/// For each channel, its cumulative histogram in the place of its values, as Pillow computes it: with n the pixels that
/// have not the highest value and step = n / 255, x becomes (pixels below x + step / 2) / step, all in integers.
void equalize(const Square& image);

}  // namespace tandem::augment
