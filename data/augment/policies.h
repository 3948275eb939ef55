#pragma once
// Augmentations that choose among ops at random: torchvision's RandAugment, TrivialAugmentWide and AugMix.

#include "data/augment/plan.h"

namespace tandem::augment {

/// num_ops steps, each of 14 kinds with the same probability, all of one magnitude; where a magnitude has a sign, it is
/// negative half of the time.
Plan draw_rand_augment(const RandAugmentOptions& options, int size, Random random);

/// One step of the same 14 kinds, its magnitude uniform among num_magnitude_bins and of a wider range.
Plan draw_trivial_augment(const TrivialAugmentOptions& options, Random random);

/// mixture_width chains of chain_depth steps of 9 kinds (13 with all_ops), whose magnitudes are uniform among the
/// lowest `severity` of 10. The picture's own weight is Beta(alpha, alpha); the rest is shared out among the chains by
/// a Dirichlet distribution of alpha.
AugMix draw_aug_mix(const AugMixOptions& options, int size, Random random);

}  // namespace tandem::augment
