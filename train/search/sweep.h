#pragma once
// Trains a config again and again with other values of some keys, and ranks what came of it (docs/search.md).
//
//   <output>/sweep.json       the sweep and the config it began with
//   <output>/results.json     every trial that has ended: settings, how it ended, its figures; best first
//   <output>/trial-0001/      a trial's own run, as tandem-train leaves it

#include <ostream>
#include <string>
#include <vector>

namespace tandem {

struct SweepRun {
  bool resume = false;                 ///< go on with the sweep in its folder; without one, begin
  bool dry_run = false;                ///< print the trials, and check that each is a config; train nothing
  std::vector<std::string> overrides;  ///< of the config, for every trial: "path.to.key=value"
};

/// Runs the trials of the sweep file at `path` one after another, reporting on `out`. A trial that fails does not end
/// the sweep. InputError for a sweep or a config that cannot be used, before the first trial; for a folder that holds a
/// sweep already, or with `resume` another one. Returns the exit status: 0; 1 if every trial failed; 130 if
/// interrupted.
int run_sweep(const std::string& path, const SweepRun& run, std::ostream& out);

}  // namespace tandem
