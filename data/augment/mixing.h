#pragma once
// Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019), as torchvision has them: each image of a tower's batch is
// mixed with the one before it, the first with the last, and has the labels of both, in the shares of the mixture.

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/rng.h"
#include "data/augment/augment_options.h"
#include "data/augment/ops/square.h"

namespace tandem::augment {

/// How all images of a batch are mixed.
struct Mixture {
  double share = 1;          ///< of the image itself, in whole 65536ths
  std::optional<Part> part;  ///< what comes from the other image; absent: every pixel is mixed
};

/// What happens to a batch of images of `size` pixels a side: a mixture, or none. One number says which of the two
/// options applies, if any; the arguments have a random sequence for each.
std::optional<Mixture> draw_mixture(const AugmentOptions& options, int size, const Random& random);

/// Mixes images (n, size, size, 3), n >= 1; rounded.
void mix_images(const Mixture& mixture, std::span<std::uint8_t> images, int size);

/// The labels of the other images, by the same rule.
std::vector<std::int32_t> labels_of_others(std::span<const std::int32_t> labels);

}  // namespace tandem::augment
