#pragma once
// From a decoded image to the square that the network sees: cropping, resizing, flipping, the order of the channels.
// Semantics are torchvision's (RandomResizedCrop, RandomHorizontalFlip, Resize + CenterCrop), arithmetic is Pillow's.

#include <array>
#include <cstdint>
#include <span>

#include "core/base/rng.h"
#include "data/augment/augment_options.h"
#include "data/image/image.h"
#include "data/image/input_geometry.h"

namespace tandem {

/// A rectangle of pixels.
struct Box {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

/// Resizes the part `source` of an image to height x width pixels, and writes the part `window` of the result to
/// `out` (window.height, window.width, 3), mirrored from left to right if `flip`. Each output pixel is the average of
/// the source under a filter, whose half width is its reach times max(1, scale) source pixels, or the reach without
/// antialiasing; the filter is cut at the edges of `source` and renormalised. Columns and rows are averaged one after
/// the other, rounding to 8 bits each time.
void resize_image(const Image& image, const Box& source, int height, int width, const Box& window, bool flip,
                  const Resampling& resampling, std::span<std::uint8_t> out);

/// The crop that torchvision's RandomResizedCrop takes: area uniform in scale[0]..scale[1] of the image's, aspect ratio
/// log-uniform in ratio[0]..ratio[1], position uniform; the largest centred crop of an allowed ratio if ten tries do
/// not fit.
Box random_resized_crop(int height, int width, std::array<float, 2> scale, Random& random,
                        std::array<double, 2> ratio = AugmentOptions().crop_ratio);

/// Whether the image is mirrored: the first number of its random sequence says so, where the option is on.
bool draw_flip(const AugmentOptions& augment, Random& random);

/// Writes an augmented image to `out` (size, size, 3). A random crop is resized to the square at once; without one, the
/// image is cut as in eval_transform(). The square then goes through augment_square() (data/augment/plan.h).
void train_transform(const Image& image, const InputGeometry& input, const AugmentOptions& augment, Random random,
                     std::span<std::uint8_t> out);

/// Writes the centre of an image to `out` (size, size, 3): it is resized as `input` says, then the middle is cut out.
void eval_transform(const Image& image, const InputGeometry& input, std::span<std::uint8_t> out);

}  // namespace tandem
