#pragma once
// The learning rate of each step.
//
//   warm(s) = min(1, (s + 1) / max(1, floor(warmup · total)))
//   cosine:   lr(s) = base · warm(s) · (1 + cos(π s / total)) / 2
//   step:     lr(s) = base · warm(s) · gamma^(number of milestones m with s ≥ m)
//   constant: lr(s) = base · warm(s)
//
// s counts steps from 0 over the whole run of `total` steps; warmup is a share of them. A milestone here is a number of
// steps: how many are done at the end of the epoch that the options name.

#include <cstdint>
#include <vector>

#include "train/optim/schedule_options.h"

namespace tandem {

class Schedule {
 public:
  /// `milestones`: the options', in steps. total_steps ≥ 1; Error otherwise.
  Schedule(const ScheduleOptions& options, double base_lr, std::int64_t total_steps,
           std::vector<std::int64_t> milestones = {});

  /// The rate of step `step`, which counts from 0; a step at or past the end has the last step's rate.
  double lr(std::int64_t step) const;

 private:
  ScheduleOptions options_;
  double base_lr_;
  std::int64_t total_steps_;
  std::vector<std::int64_t> milestones_;
  std::int64_t warmup_steps_;
};

}  // namespace tandem
