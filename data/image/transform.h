#pragma once
// From a decoded image to the square that the network sees: cropping, resizing, flipping, the order of the channels.
// Semantics are torchvision's (RandomResizedCrop, RandomHorizontalFlip, Resize + CenterCrop), arithmetic is Pillow's.

#include <array>
#include <cstdint>
#include <span>

#include "core/base/rng.h"
#include "data/augment/augment_options.h"
#include "data/image/encoded_image.h"
#include "data/image/image.h"
#include "data/image/input_geometry.h"
#include "data/image/resize.h"

namespace tandem {

/// The crop that torchvision's RandomResizedCrop takes: area uniform in scale[0]..scale[1] of the image's, aspect ratio
/// log-uniform in ratio[0]..ratio[1], position uniform; the largest centred crop of an allowed ratio if ten tries do
/// not fit.
Box random_resized_crop(int height, int width, std::array<float, 2> scale, Random& random,
                        std::array<double, 2> ratio = AugmentOptions().crop_ratio);

/// Whether the image is mirrored: the first number of its random sequence says so, where the option is on.
bool draw_flip(const AugmentOptions& augment, Random& random);

/// How the network's square shows an upright image.
struct Framing {
  Resizing resizing;
  int top =
      0;  ///< where in the square the resized pixels begin; what they do not cover has the colour of the letterbox
  int left = 0;
};

/// What training shows of an image of height x width pixels: a random crop, which is resized to the square at once, or
/// without one the same as evaluation; mirrored or not.
Framing train_framing(int height, int width, const InputGeometry& input, const AugmentOptions& augment, Random& random);

/// What evaluation shows: the image is resized as `input` says, then the middle is cut out; with a letterbox, the whole
/// image in the middle of the square.
Framing eval_framing(int height, int width, const InputGeometry& input);

/// By how many eighths a JPEG file is decoded for that: 1, 2 or 4 (libjpeg-turbo has fast code for these), the smallest
/// that leaves the source of the resize at least as high and as wide as what it is resized to; else, and without
/// antialiasing, 8. What is left is done by the filter of the resize, whose source begins and ends at the same place of
/// the picture, be it within a reduced pixel.
int reduction(const Resizing& resizing);

/// Whether the image is mirrored: the first number of its random sequence says so, where the option is on.
bool draw_flip(const AugmentOptions& augment, Random& random);

/// Writes an augmented image to `out` (size, size, 3): framed, then through augment_square() (data/augment/plan.h).
void train_transform(const Image& image, const InputGeometry& input, const AugmentOptions& augment, Random random,
                     std::span<std::uint8_t> out);

/// The same of an image that is not decoded yet: only what the square shows is decoded, and the pixels are the same,
/// unless `reduced`: then a JPEG file is decoded at 1/8, 1/4 or 1/2 of its size where reduction() says so.
void train_transform(const EncodedImage& image, const InputGeometry& input, const AugmentOptions& augment, bool reduced,
                     Random random, std::span<std::uint8_t> out);

/// Writes what evaluation shows of an image to `out` (size, size, 3).
void eval_transform(const Image& image, const InputGeometry& input, std::span<std::uint8_t> out);

/// The same of an image that is not decoded yet, of which only what the square shows is decoded.
void eval_transform(const EncodedImage& image, const InputGeometry& input, std::span<std::uint8_t> out);

}  // namespace tandem
