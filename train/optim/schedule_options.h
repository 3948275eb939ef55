#pragma once
// The config's "schedule".

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "core/base/option_keys.h"
#include "train/control/figure_options.h"

namespace tandem {

struct ScheduleOptions {
  enum class Type { cosine, step, multistep, exponential, polynomial, inv, one_cycle, plateau, constant };
  enum class Unit { epochs, steps };

  Type type = Type::cosine;
  double warmup = 0.05;         ///< Share of all steps over which the rate rises linearly to its full value.
  std::vector<int> milestones;  ///< `step`, `multistep`: after how many epochs or steps the rate falls; increasing.
  double gamma = 0.1;  ///< What a fall multiplies by: `step`, `multistep`, `exponential`, `plateau`. Also `inv`.
  std::optional<std::int64_t> warmup_steps = {};  ///< The same as warmup, in steps. Absent: warmup holds.
  Unit unit = Unit::epochs;                       ///< Of milestones and period, and of what `exponential` counts.
  std::optional<int> period = {};  ///< `step`: the rate falls each time so many epochs or steps are done.
  double power = 1;                ///< `polynomial`, `inv`.
  double min_lr = 0;               ///< `cosine`, `polynomial`, `plateau`: the rate falls to this, no further.
  int cycles = 1;                  ///< `cosine`: how often it begins at the top.
  double cycle_mul = 1;            ///< `cosine`: each cycle is so many times as long as the one before.
  double cycle_decay = 1;          ///< `cosine`: each cycle's top is so many times that of the one before.
  double pct_start = 0.3;          ///< `one_cycle`: share of all steps over which the rate rises.
  double div_factor = 25;          ///< `one_cycle`: it begins at the full rate divided by this,
  double final_div_factor = 1e4;   ///< and ends at that rate divided by this.
  FigureOptions watched = {};      ///< `plateau`: what must become better.
  int patience = 10;               ///< `plateau`: more epochs in a row that are not better, and the rate falls.
  double threshold = 1e-4;         ///< `plateau`: by more than this share of the best an epoch must be better.

  bool operator==(const ScheduleOptions&) const = default;
};

constexpr auto enum_names(ScheduleOptions::Type) {
  using enum ScheduleOptions::Type;
  return std::to_array<EnumName<ScheduleOptions::Type>>({{cosine, "cosine"},
                                                         {step, "step"},
                                                         {multistep, "multistep"},
                                                         {exponential, "exponential"},
                                                         {polynomial, "polynomial"},
                                                         {inv, "inv"},
                                                         {one_cycle, "one_cycle"},
                                                         {plateau, "plateau"},
                                                         {constant, "constant"}});
}
constexpr auto enum_names(ScheduleOptions::Unit) {
  using enum ScheduleOptions::Unit;
  return std::to_array<EnumName<ScheduleOptions::Unit>>({{epochs, "epochs"}, {steps, "steps"}});
}

template <class Keys, Of<ScheduleOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("type", c.type);
  keys("warmup", c.warmup, Range{0, 1});
  keys("warmup_steps", c.warmup_steps, Range{0, 1e12});
  keys("milestones", c.milestones, Range{1, 1e9});
  keys("period", c.period, Range{1, 1e9});
  keys("unit", c.unit);
  keys("gamma", c.gamma, Range{.low = 0, .high = 1, .without_low = true});
  keys("power", c.power, Range{.low = 0, .high = 100, .without_low = true});
  keys("min_lr", c.min_lr, Range{0, 1000});
  keys("cycles", c.cycles, Range{1, 1000});
  keys("cycle_mul", c.cycle_mul, Range{1, 100});
  keys("cycle_decay", c.cycle_decay, Range{.low = 0, .high = 1, .without_low = true});
  keys("pct_start", c.pct_start, Range{0, 1});
  keys("div_factor", c.div_factor, Range{1, 1e9});
  keys("final_div_factor", c.final_div_factor, Range{1, 1e9});
  visit_keys(keys, c.watched);
  keys("patience", c.patience, Range{0, 1e6});
  keys("threshold", c.threshold, Range{.low = 0, .high = 1, .without_high = true});
}

/// When the rate of `step` and `multistep` falls: milestones in increasing order, or a period.
inline void check_falls(const ScheduleOptions& c, OptionProblems& problems) {
  using enum ScheduleOptions::Type;
  const bool falls = c.type == step || c.type == multistep;
  if (c.type == step && c.period && !c.milestones.empty())
    problems.push_back({"/milestones", "an empty list beside /schedule/period"});
  if (falls && c.milestones.empty() && !(c.type == step && c.period))
    problems.push_back({"/milestones", fmt::format("at least one for the schedule \"{}\"{}", enum_name(c.type),
                                                   c.type == step ? ", or a /schedule/period" : "")});
  if (!falls && !c.milestones.empty())
    problems.push_back({"/milestones", fmt::format("an empty list for the schedule \"{}\"", enum_name(c.type))});
  for (std::size_t i = 1; i < c.milestones.size(); ++i)
    if (c.milestones[i] <= c.milestones[i - 1])
      problems.push_back({"/milestones", fmt::format("{} in increasing order", enum_name(c.unit))});
}

/// Every option that the type does not use has its default.
inline void check_options(const ScheduleOptions& c, OptionProblems& problems) {
  using enum ScheduleOptions::Type;
  check_falls(c, problems);
  const ScheduleOptions defaults;
  const auto only_for = [&](std::initializer_list<ScheduleOptions::Type> types, const char* key, auto option) {
    if (std::find(types.begin(), types.end(), c.type) == types.end())
      check_unused(key, option(c), option(defaults), c.type, problems);
  };
  only_for({step}, "/period", [](const auto& o) { return o.period; });
  only_for({step, multistep, exponential}, "/unit", [](const auto& o) { return o.unit; });
  only_for({step, multistep, exponential, inv, plateau}, "/gamma", [](const auto& o) { return o.gamma; });
  only_for({polynomial, inv}, "/power", [](const auto& o) { return o.power; });
  only_for({cosine, polynomial, plateau}, "/min_lr", [](const auto& o) { return o.min_lr; });
  only_for({cosine}, "/cycles", [](const auto& o) { return o.cycles; });
  only_for({cosine}, "/cycle_mul", [](const auto& o) { return o.cycle_mul; });
  only_for({cosine}, "/cycle_decay", [](const auto& o) { return o.cycle_decay; });
  only_for({one_cycle}, "/pct_start", [](const auto& o) { return o.pct_start; });
  only_for({one_cycle}, "/div_factor", [](const auto& o) { return o.div_factor; });
  only_for({one_cycle}, "/final_div_factor", [](const auto& o) { return o.final_div_factor; });
  only_for({plateau}, "/figure", [](const auto& o) { return o.watched.figure; });
  only_for({plateau}, "/mode", [](const auto& o) { return o.watched.mode; });
  only_for({plateau}, "/patience", [](const auto& o) { return o.patience; });
  only_for({plateau}, "/threshold", [](const auto& o) { return o.threshold; });
  if (c.type == one_cycle) {  // whose rise is a warm-up of its own
    check_unused("/warmup", c.warmup, defaults.warmup, c.type, problems);
    check_unused("/warmup_steps", c.warmup_steps, defaults.warmup_steps, c.type, problems);
  } else if (c.warmup_steps && c.warmup != defaults.warmup) {
    problems.push_back({"/warmup", ", since /schedule/warmup_steps is given", true});
  }
  if (c.type == cosine && c.cycles == 1) {
    const auto unused = [&](const char* key, double value) {
      if (value != 1) problems.push_back({key, ", since there is one cycle", true});
    };
    unused("/cycle_mul", c.cycle_mul);
    unused("/cycle_decay", c.cycle_decay);
  }
}

}  // namespace tandem
