#pragma once
// The learning-rate range test (Smith: "Cyclical learning rates for training neural networks", WACV 2017): train with a
// rate that rises from step to step, and look at where the loss falls fastest and where it goes up.

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "train/config/config.h"

namespace tandem {

struct LrTrial {
  double lr = 0;
  double loss = 0;      ///< of the step's own batch
  double smoothed = 0;  ///< its moving average, corrected for its begin
};

struct LrSuggestion {
  double steepest = 0;  ///< where the smoothed loss falls fastest, by the logarithm of the rate
  double lowest = 0;    ///< where it is lowest
};

/// lr(i) = first · (last / first)^(i / (count - 1)); count ≥ 2.
std::vector<double> rising_rates(double first, double last, int count);

/// smoothed(i) = m(i) / (1 - 0.9^(i+1)), m(i) = 0.9 m(i-1) + 0.1 loss(i), m(-1) = 0.
void smooth(std::vector<LrTrial>& trials);

/// Nothing if the smoothed loss never falls.
std::optional<LrSuggestion> suggest(const std::vector<LrTrial>& trials);

/// The loss over the rate as SVG, the suggestion marked.
std::string lr_plot(const std::vector<LrTrial>& trials, const std::optional<LrSuggestion>& suggestion);

/// Trains the config's network from where it begins with rates from 1e-6 to 10, for 100 steps or until the loss is four
/// times its lowest or not finite; writes the plot to the file `svg` and nothing else; reports on `out`. Whatever
/// schedule the config has is not used. Returns the exit status.
int find_lr(const Config& config, const std::string& svg, std::ostream& out);

}  // namespace tandem
