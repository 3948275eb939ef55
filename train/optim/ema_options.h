#pragma once
// The config's "ema".

#include "core/base/option_keys.h"

namespace tandem {

/// The moving average of the weights, timm's ModelEmaV3. After update number t, counted from 1,
///
///   average = d average + (1 - d) weights,   d = 0 for t = 1, and for the others
///   d = min(decay, 1 - (1 + (t - 1) / warmup_gamma)^-warmup_power) with warm-up, decay without.
struct EmaOptions {
  double decay = 0.9998;
  bool warmup = true;  ///< the average begins short, so that it is of use after a few epochs too
  double warmup_gamma = 1;
  double warmup_power = 2.0 / 3;

  bool operator==(const EmaOptions&) const = default;
};

template <class Keys, Of<EmaOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("decay", c.decay, Range{.low = 0, .high = 1, .without_high = true});
  keys("warmup", c.warmup);
  keys("warmup_gamma", c.warmup_gamma, Range{.low = 0, .high = 1e9, .without_low = true});
  keys("warmup_power", c.warmup_power, Range{.low = 0, .high = 10, .without_low = true});
}

/// Without warm-up its numbers have their defaults.
inline void check_options(const EmaOptions& c, OptionProblems& problems) {
  if (c.warmup) return;
  const EmaOptions defaults;
  if (c.warmup_gamma != defaults.warmup_gamma)
    problems.push_back({"/warmup_gamma", ", while /ema/warmup is false", true});
  if (c.warmup_power != defaults.warmup_power)
    problems.push_back({"/warmup_power", ", while /ema/warmup is false", true});
}

}  // namespace tandem
