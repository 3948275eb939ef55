#pragma once
// From a decoded image to the square that the network sees: cropping, resizing, flipping, the order of the channels.
// Semantics are torchvision's (RandomResizedCrop, RandomHorizontalFlip, Resize + CenterCrop), arithmetic is Pillow's.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/option_keys.h"
#include "core/base/rng.h"
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

/// The config's "data.augment": how training images are varied.
struct AugmentOptions {
  /// The share of the image's area that a random crop covers, [smallest, largest]. Absent: resize and centre crop.
  std::optional<std::array<double, 2>> random_resized_crop = std::array{0.35, 1.0};
  bool flip = true;  ///< Mirror half of the images, at random.

  bool operator==(const AugmentOptions&) const = default;
};

template <class Keys, Of<AugmentOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("random_resized_crop", c.random_resized_crop, Range{.low = 0, .high = 1, .without_low = true});
  keys("flip", c.flip);
}

inline void check_options(const AugmentOptions& c, OptionProblems& problems) {
  if (c.random_resized_crop && (*c.random_resized_crop)[0] > (*c.random_resized_crop)[1])
    problems.push_back({"/random_resized_crop", "the smallest share of the area first"});
}

/// Resizes the part `source` of an image to height x width pixels, and writes the part `window` of the result to
/// `out` (window.height, window.width, 3), mirrored from left to right if `flip`. Each output pixel is the average of
/// the source under a filter, whose half width is its reach times max(1, scale) source pixels, or the reach without
/// antialiasing; the filter is cut at the edges of `source` and renormalised. Columns and rows are averaged one after
/// the other, rounding to 8 bits each time.
void resize_image(const Image& image, const Box& source, int height, int width, const Box& window, bool flip,
                  const Resampling& resampling, std::span<std::uint8_t> out);

/// The crop that torchvision's RandomResizedCrop takes: area uniform in scale[0]..scale[1] of the image's, aspect ratio
/// log-uniform in 3/4..4/3, position uniform; the largest centred crop of an allowed ratio if ten tries do not fit.
Box random_resized_crop(int height, int width, std::array<float, 2> scale, Random& random);

/// Writes an augmented image to `out` (size, size, 3). A random crop is resized to the square at once; without one, the
/// image is cut as in eval_transform().
void train_transform(const Image& image, const InputGeometry& input, const AugmentOptions& augment, Random random,
                     std::span<std::uint8_t> out);

/// Writes the centre of an image to `out` (size, size, 3): it is resized as `input` says, then the middle is cut out.
void eval_transform(const Image& image, const InputGeometry& input, std::span<std::uint8_t> out);

}  // namespace tandem
