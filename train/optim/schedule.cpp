#include "train/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/base/error.h"

namespace tandem {
namespace {

/// From 1 to 0 in half a cosine, as `done` goes from 0 to 1.
double half_cosine(double done) { return 0.5 * (1 + std::cos(std::numbers::pi * done)); }

std::int64_t warmup_steps(const ScheduleOptions& options, std::int64_t total_steps) {
  const auto share = static_cast<std::int64_t>(std::floor(options.warmup * static_cast<double>(total_steps)));
  return std::max<std::int64_t>(1, options.warmup_steps.value_or(share));
}

/// How long the first of all cycles is: together they are as long as the run.
double first_cycle(const ScheduleOptions& options, std::int64_t total_steps) {
  double cycles = 0;
  for (int i = 0; i < options.cycles; ++i) cycles += std::pow(options.cycle_mul, i);
  return static_cast<double>(total_steps) / cycles;
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& options, double base_lr, std::int64_t total_steps,
                   std::vector<std::int64_t> milestones)
    : options_(options),
      base_lr_(base_lr),
      total_steps_(total_steps),
      milestones_(std::move(milestones)),
      warmup_steps_(warmup_steps(options, total_steps)),
      first_cycle_(first_cycle(options, total_steps)) {
  require(total_steps >= 1, "schedule: got {} steps, expected at least 1", total_steps);
  if (options.unit == ScheduleOptions::Unit::steps)
    milestones_.assign(options.milestones.begin(), options.milestones.end());
}

double Schedule::lr(std::int64_t step, const std::optional<PlateauState>& plateau) const {
  step = std::clamp<std::int64_t>(step, 0, total_steps_ - 1);
  const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_steps_));
  const double full = base_lr_ * warm;
  switch (options_.type) {
    case ScheduleOptions::Type::cosine:
      return cosine(step, warm);
    case ScheduleOptions::Type::step:
    case ScheduleOptions::Type::multistep:
    case ScheduleOptions::Type::exponential:
      return falling(step, full);
    case ScheduleOptions::Type::polynomial: {
      const double lowest = options_.min_lr * warm, left = static_cast<double>(total_steps_ - step);
      return lowest + (full - lowest) * std::pow(left / static_cast<double>(total_steps_), options_.power);
    }
    case ScheduleOptions::Type::inv:
      return full * std::pow(1 + options_.gamma * static_cast<double>(step), -options_.power);
    case ScheduleOptions::Type::one_cycle:
      return one_cycle(step);
    case ScheduleOptions::Type::plateau:
      return plateau ? plateau->rate * warm : full;
    case ScheduleOptions::Type::constant:
      return full;
  }
  fail("schedule: unknown type {}", static_cast<int>(options_.type));
}

double Schedule::falling(std::int64_t step, double full) const {
  const bool each_step = options_.unit == ScheduleOptions::Unit::steps && options_.milestones.empty();
  const std::int64_t falls = each_step
                                 ? step / options_.period.value_or(1)
                                 : std::upper_bound(milestones_.begin(), milestones_.end(), step) - milestones_.begin();
  return full * std::pow(options_.gamma, static_cast<double>(falls));
}

double Schedule::cosine(std::int64_t step, double warm) const {
  const auto s = static_cast<double>(step);
  double begin = 0, length = first_cycle_, full = base_lr_ * warm;
  for (int i = 1; i < options_.cycles && s >= begin + length; ++i) {
    begin += length;
    length *= options_.cycle_mul;
    full *= options_.cycle_decay;
  }
  const double lowest = options_.min_lr * warm;
  return lowest + (full - lowest) * half_cosine((s - begin) / length);
}

double Schedule::one_cycle(std::int64_t step) const {
  const auto s = static_cast<double>(step), end = static_cast<double>(total_steps_ - 1);
  const double top = options_.pct_start * static_cast<double>(total_steps_) - 1;
  const double first = base_lr_ / options_.div_factor, last = first / options_.final_div_factor;
  if (s < top) return base_lr_ + (first - base_lr_) * half_cosine(s / top);
  if (end <= top) return base_lr_;
  return last + (base_lr_ - last) * half_cosine((s - top) / (end - top));
}

}  // namespace tandem
