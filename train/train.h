#pragma once
// A training run, from a config to a trained network in its output folder.

#include <ostream>

#include "train/config/config.h"

namespace tandem {

struct TrainOptions {
  bool resume = false;   ///< go on from the output folder's last checkpoint; start anew if it has none
  bool dry_run = false;  ///< check what the run would check, decode every image, time some steps, write nothing
};

/// Runs the config to its end, reporting on `out`. SIGINT, SIGTERM and SIGHUP end it after the current step, with
/// a checkpoint.
///
/// InputError for data, weights or a checkpoint that cannot be used, and for an output folder that already holds a run
/// when `resume` is not set, or that another process trains in. Error for a failure on the way (disk full, loss not
/// finite); checkpoints written before it stay as they are. An image that cannot be read on the way, or an evaluation
/// that fails, leaves a checkpoint of the steps before it. Returns the exit status: 0, or 130 if it was interrupted.
int train(const Config& config, const TrainOptions& options, std::ostream& out);

}  // namespace tandem
