#include "train/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/base/error.h"

namespace tandem {

Schedule::Schedule(const ScheduleOptions& options, double base_lr, std::int64_t total_steps,
                   std::vector<std::int64_t> milestones)
    : options_(options),
      base_lr_(base_lr),
      total_steps_(total_steps),
      milestones_(std::move(milestones)),
      warmup_steps_(std::max<std::int64_t>(
          1, static_cast<std::int64_t>(std::floor(options.warmup * static_cast<double>(total_steps))))) {
  require(total_steps >= 1, "schedule: got {} steps, expected at least 1", total_steps);
}

double Schedule::lr(std::int64_t step) const {
  step = std::clamp<std::int64_t>(step, 0, total_steps_ - 1);
  const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_steps_));
  const double full = base_lr_ * warm;
  switch (options_.type) {
    case ScheduleOptions::Type::cosine: {
      const double done = static_cast<double>(step) / static_cast<double>(total_steps_);
      return full * 0.5 * (1 + std::cos(std::numbers::pi * done));
    }
    case ScheduleOptions::Type::step: {
      const auto passed = std::count_if(milestones_.begin(), milestones_.end(),
                                        [&](std::int64_t milestone) { return step >= milestone; });
      return full * std::pow(options_.gamma, static_cast<double>(passed));
    }
    case ScheduleOptions::Type::constant:
      return full;
  }
  fail("schedule: unknown type {}", static_cast<int>(options_.type));
}

}  // namespace tandem
