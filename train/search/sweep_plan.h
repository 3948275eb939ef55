#pragma once
// The trials of a sweep: a pure function of the sweep file, so that a sweep that was stopped goes on with the same
// ones.

#include <string>
#include <vector>

#include "train/search/sweep_options.h"

namespace tandem {

struct Trial {
  int number = 0;  ///< from 1
  /// What sets it apart: overrides of the config, each "path.to.key=value".
  std::vector<std::string> settings;
};

struct SweepPlan {
  SweepOptions options;
  std::vector<Trial> trials;
};

/// Reads a sweep file. InputError, with the file and the JSON pointer, for what is not one. A parameter's values are a
/// list, or {"min": a, "max": b, "scale": "linear" | "log", "integer": false} for the method "random", which draws
/// uniformly: from the list, between a and b, or between their logarithms.
SweepPlan read_sweep(const std::string& path);

/// The same, from its text; `source` names it in errors.
SweepPlan parse_sweep(std::string_view text, const std::string& source);

}  // namespace tandem
