#pragma once
// The learning rate of each step.
//
//   warm(s) = min(1, (s + 1) / max(1, n)), with n = warmup_steps, or floor(warmup · total) without it
//
//   cosine:      warm(s) · (min_lr + (top - min_lr) · (1 + cos(π t)) / 2), with t the share of the cycle that is
//                done and top = base · cycle_decay^i in cycle i, which counts from 0. Cycle i is cycle_mul^i times as
//                long as the first; together they are as long as the run.
//   step, multistep, exponential:
//                warm(s) · base · gamma^k, with k the number of falls so far: milestones m with s ≥ m; or of periods,
//                or of epochs or steps, that have ended
//   polynomial:  warm(s) · (min_lr + (base - min_lr) · (1 - s / total)^power)
//   inv:         warm(s) · base · (1 + gamma · s)^-power
//   one_cycle:   a half cosine from base / div_factor to base, which is reached at r = pct_start · total - 1, and
//                another one down to base / div_factor / final_div_factor in the last step
//   plateau:     warm(s) · the rate that the epochs so far have left (train/optim/plateau.h)
//   constant:    warm(s) · base
//
// s counts steps from 0 over the whole run of `total` steps. A milestone here is a number of steps: how many are done
// at the end of the epoch that the options name.

#include <cstdint>
#include <optional>
#include <vector>

#include "train/optim/plateau.h"
#include "train/optim/schedule_options.h"

namespace tandem {

class Schedule {
 public:
  /// `milestones`, in steps and increasing: where the rate falls of options that count in epochs. Options that count in
  /// steps say so themselves. total_steps ≥ 1; Error otherwise.
  Schedule(const ScheduleOptions& options, double base_lr, std::int64_t total_steps,
           std::vector<std::int64_t> milestones = {});

  const ScheduleOptions& options() const { return options_; }
  std::int64_t total_steps() const { return total_steps_; }

  /// The rate of step `step`, which counts from 0; a step at or past the end has the last step's rate. `plateau`: what
  /// the schedule of that name has come to; without it, its rate is the base.
  double lr(std::int64_t step, const std::optional<PlateauState>& plateau = {}) const;

 private:
  double falling(std::int64_t step, double full) const;
  double cosine(std::int64_t step, double warm) const;
  double one_cycle(std::int64_t step) const;

  ScheduleOptions options_;
  double base_lr_;
  std::int64_t total_steps_;
  std::vector<std::int64_t> milestones_;
  std::int64_t warmup_steps_;
  double first_cycle_;  // steps
};

}  // namespace tandem
