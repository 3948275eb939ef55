#pragma once
// When a run is saved, what is saved, and under which names.

#include <functional>
#include <string>

#include "train/checkpoint/run_folder.h"
#include "train/loop/session.h"

namespace tandem {

class CheckpointKeeper {
 public:
  /// Keeps references to all of them. `state` is where the run begins.
  CheckpointKeeper(Session& session, RunState& state, const StepExecutor& steps, RunFolder& folder);

  /// Whether a checkpoint is due after `steps` steps, wherever in an epoch they end.
  bool is_due_after_step(std::int64_t steps) const;
  /// Whether a numbered checkpoint is due at the end of `epoch`, which counts from 0.
  bool is_due_after_epoch(std::int64_t epoch) const;

  /// The names of a checkpoint beside "last".
  struct Names {
    bool best = false;
    bool numbered = false;  ///< "step-<steps>"
  };
  /// Saves the run as it is. Every step must be finished. Error if it cannot be written.
  void save(const Names& names);

  /// For an error that is not the steps' own: what they did is kept. `finish` finishes the steps in flight. Returns the
  /// line that says what became of the run, or nothing if there is no step to tell of. Does not throw: the error on its
  /// way matters more than one that comes of this.
  std::string save_before_an_error(const std::function<void()>& finish);

 private:
  Session& session_;
  RunState& state_;
  const StepExecutor& steps_;
  RunFolder& folder_;
  CheckpointConfig options_;
  std::int64_t saved_step_;  // of the last checkpoint
};

}  // namespace tandem
