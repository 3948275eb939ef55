#pragma once
// A sweep file: which config is trained again and again, and with which values of which keys (docs/search.md).

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/base/option_keys.h"
#include "train/control/figure_options.h"

namespace tandem {

/// Median pruning, as Vizier and Optuna do it: a trial is ended after an epoch where its best figure so far is worse
/// than the median of what the trials before it had by then.
struct PruneOptions {
  int after_epochs = 2;  ///< No trial is ended before it has done so many.
  int after_trials = 4;  ///< None is ended before so many trials have done as many epochs.
};

struct SweepOptions {
  enum class Method { grid, random };

  std::string config;            ///< The path of the config that every trial begins with.
  std::string output;            ///< The sweep's folder. Each trial's own folder is below it.
  Method method = Method::grid;  ///< Every combination of the values, or values drawn at random.
  std::optional<int> trials;     ///< How many. Required for `random`; `grid` has as many as there are combinations.
  std::uint64_t seed = 1;        ///< `random`: of the draws. The config's own seed is another.
  nlohmann::json parameters;     ///< From a config's key, "optimizer.lr", to its values.
  FigureOptions ranked_by;       ///< A figure of an evaluation. Absent: top-1.
  std::optional<PruneOptions> prune = PruneOptions{};  ///< Absent: every trial is trained to its end.
};

constexpr auto enum_names(SweepOptions::Method) {
  using enum SweepOptions::Method;
  return std::to_array<EnumName<SweepOptions::Method>>({{grid, "grid"}, {random, "random"}});
}

template <class Keys, Of<PruneOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("after_epochs", c.after_epochs, Range{1, 1e6});
  keys("after_trials", c.after_trials, Range{1, 1e6});
}

template <class Keys, Of<SweepOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("config", c.config);
  keys("output", c.output);
  keys("method", c.method);
  keys("trials", c.trials, Range{1, 1e6});
  keys("seed", c.seed);
  keys("parameters", c.parameters);
  visit_keys(keys, c.ranked_by);
  keys("prune", c.prune);
}

}  // namespace tandem
