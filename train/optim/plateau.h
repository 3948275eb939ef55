#pragma once
// The schedule "plateau": the rate falls when a figure no longer becomes better, as PyTorch's ReduceLROnPlateau does.
//
// At the end of each epoch with the figure f:
//   better:  f > best · (1 + threshold) where more is better, f < best · (1 - threshold) where less is;
//            any number is better than none, and what is not finite never is
//   better:  best <- f, epochs <- 0;   else  epochs <- epochs + 1
//   epochs > patience:  rate <- max(gamma · rate, min_lr), unless that is less than 1e-8 below it;  epochs <- 0

#include "train/control/patience.h"
#include "train/optim/schedule_options.h"

namespace tandem {

struct PlateauState {
  double rate = 0;  ///< before warm-up
  Patience patience;

  bool operator==(const PlateauState&) const = default;
};

/// An epoch ends with `figure`, of which more is better if it `rises`.
void end_epoch(const ScheduleOptions& options, bool rises, double figure, PlateauState& state);

}  // namespace tandem
