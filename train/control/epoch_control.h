#pragma once
// What the figures of an epoch decide: whether it is the best so far, whether the run ends early, whether the rate of
// the schedule "plateau" falls. All that is remembered for it is in the run's state, so that a run that is resumed
// decides the same.

#include <optional>
#include <string>

#include "train/checkpoint/run_state.h"
#include "train/config/config.h"
#include "train/control/figure.h"

namespace tandem {

class EpochControl {
 public:
  /// `logged`: the figures that the run's epochs will have; their values do not matter. InputError for a figure that is
  /// not among them.
  EpochControl(const Config& config, const Figures& logged);

  /// By what the best checkpoint is chosen. Absent without an evaluation, unless the config names a figure: then the
  /// latest is the best there is.
  const std::optional<Figure>& best() const { return best_; }

  /// What a run's state has of this before its first step.
  void begin(RunState& state) const;
  /// For a state that a checkpoint had: forgets what was found of other figures, or, with `other_list`, on another
  /// evaluation list. Returns the lines that tell it, or nothing.
  std::string go_on(RunState& state, bool other_list) const;

  /// An epoch ends with these figures. Returns whether it is the best so far.
  bool end_epoch(const Figures& figures, RunState& state) const;
  /// What the best epoch is called on its line: "best", or, of another figure than the usual, "best eval.loss 0.5".
  std::string best_note(const RunState& state) const;
  /// Why the run ends early, for people; nothing if it goes on.
  std::string why_stopped(const RunState& state) const;

 private:
  std::optional<Figure> best_;
  bool usual_best_;  // chosen by what is usual
  std::optional<Figure> stopping_, plateau_;
  EarlyStoppingOptions early_stopping_;
  ScheduleOptions schedule_;
  double base_lr_;
};

}  // namespace tandem
