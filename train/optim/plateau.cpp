#include "train/optim/plateau.h"

#include <algorithm>
#include <cmath>

namespace tandem {

void end_epoch(const ScheduleOptions& options, bool rises, double figure, PlateauState& state) {
  constexpr double kLeast = 1e-8;  // PyTorch's "eps"
  Patience& patience = state.patience;
  const auto better_than = [&](double best) {
    return rises ? figure > best * (1 + options.threshold) : figure < best * (1 - options.threshold);
  };
  if (std::isfinite(figure) && (!patience.best || better_than(*patience.best))) {
    patience.best = figure;
    patience.epochs = 0;
    return;
  }
  if (++patience.epochs <= options.patience) return;
  patience.epochs = 0;
  const double lower = std::max(options.gamma * state.rate, options.min_lr);
  if (state.rate - lower > kLeast) state.rate = lower;
}

}  // namespace tandem
