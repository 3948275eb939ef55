#pragma once
// The config's "schedule".

#include <vector>

#include "core/base/option_keys.h"

namespace tandem {

struct ScheduleOptions {
  enum class Type { cosine, step, constant };

  Type type = Type::cosine;
  double warmup = 0.05;         ///< Share of all steps over which the rate rises linearly to its full value.
  std::vector<int> milestones;  ///< `step` only: after how many epochs the rate is multiplied by gamma; increasing.
  double gamma = 0.1;           ///< `step` only.

  bool operator==(const ScheduleOptions&) const = default;
};

constexpr auto enum_names(ScheduleOptions::Type) {
  using enum ScheduleOptions::Type;
  return std::to_array<EnumName<ScheduleOptions::Type>>({{cosine, "cosine"}, {step, "step"}, {constant, "constant"}});
}

template <class Keys, Of<ScheduleOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("type", c.type);
  keys("warmup", c.warmup, Range{0, 1});
  keys("milestones", c.milestones, Range{1, 1e6});
  keys("gamma", c.gamma, Range{.low = 0, .high = 1, .without_low = true});
}

/// Milestones in increasing order, which `step` alone has.
inline void check_options(const ScheduleOptions& c, OptionProblems& problems) {
  if ((c.type == ScheduleOptions::Type::step) == c.milestones.empty())
    problems.push_back(
        {"/milestones", fmt::format("{} for the schedule \"{}\"",
                                    c.milestones.empty() ? "at least one epoch" : "an empty list", enum_name(c.type))});
  for (std::size_t i = 1; i < c.milestones.size(); ++i)
    if (c.milestones[i] <= c.milestones[i - 1]) problems.push_back({"/milestones", "epochs in increasing order"});
  if (c.type != ScheduleOptions::Type::step) check_unused("/gamma", c.gamma, ScheduleOptions().gamma, c.type, problems);
}

}  // namespace tandem
