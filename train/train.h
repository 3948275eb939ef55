#pragma once
// A training run, from a config to a trained network in its output folder.

#include <functional>
#include <ostream>

#include "train/config/config.h"

namespace tandem {

struct TrainOptions {
  bool resume = false;   ///< continue from the output folder's last checkpoint; without one, start a new run
  bool dry_run = false;  ///< check what the run would check, decode every image, time some steps; write nothing
  /// Asked after each epoch, when it is evaluated and logged; false ends the run there. Empty: it goes on.
  std::function<bool()> goes_on_after_epoch;
};

/// Runs the config to its end, reporting on `out`. SIGINT, SIGTERM and SIGHUP end it after the current step, with
/// a checkpoint.
///
/// InputError for data, weights or a checkpoint that cannot be used, and for an output folder that already holds a run
/// when `resume` is not set, or that another process trains in. Error for a failure on the way (disk full, loss not
/// finite); earlier checkpoints stay as they are. When an image cannot be read, or an evaluation fails, the steps
/// before it are saved. Returns the exit status: 130 if the run was interrupted, else 0, also where it stopped early or
/// its time was up.
int train(const Config& config, const TrainOptions& options, std::ostream& out);

}  // namespace tandem
