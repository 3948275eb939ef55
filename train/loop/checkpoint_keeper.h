#pragma once
// When a run is saved, what is saved, and under which names.
//
// A checkpoint is a copy of the run in the host's memory, which a thread of its own writes while the training goes on.
// There is one copy at a time: the next one waits until the one before is written and has its names.

#include <functional>
#include <future>
#include <string>

#include "train/checkpoint/run_folder.h"
#include "train/loop/session.h"

namespace tandem {

class CheckpointKeeper {
 public:
  /// Keeps references to all of them. `state` is where the run begins.
  CheckpointKeeper(Session& session, RunState& state, const StepExecutor& steps, RunFolder& folder);
  /// Waits for the checkpoint that is being written. Its error is lost: call finish() before, where there is no other.
  ~CheckpointKeeper() = default;
  CheckpointKeeper(const CheckpointKeeper&) = delete;
  CheckpointKeeper& operator=(const CheckpointKeeper&) = delete;

  /// Whether a checkpoint is due after `steps` steps, wherever in an epoch they end: by their number, or by now.
  bool is_due_after_step(std::int64_t steps) const;
  /// Whether a numbered checkpoint is due at the end of `epoch`, which counts from 0.
  bool is_due_after_epoch(std::int64_t epoch) const;

  /// The names of a checkpoint beside "last".
  struct Names {
    bool best = false;
    bool numbered = false;  ///< "step-<steps>"
  };
  // The following throw Error for a checkpoint, of now or of before, that could not be written, and return a warning of
  // the one before for people, or nothing.

  /// Copies the run as it is, and begins to write it. Every step must be finished. Waits for the checkpoint before.
  std::string save(const Names& names);
  /// save({}), unless these steps are saved already.
  std::string save_steps() { return state_.step > saved_step_ ? save({}) : std::string(); }
  /// Looks whether a checkpoint has been written, without waiting.
  std::string poll();
  /// Waits until there is nothing left to write.
  std::string finish();

  /// For an error that is not the steps' own: what they did is kept. `finish` finishes the steps in flight. Waits for
  /// the checkpoint. Returns the line that says what became of the run, or nothing if there is no step to tell of. Does
  /// not throw: the error on its way matters more than one that comes of this.
  std::string save_before_an_error(const std::function<void()>& finish);

 private:
  Session& session_;
  RunState& state_;
  const StepExecutor& steps_;
  RunFolder& folder_;
  CheckpointConfig options_;
  std::int64_t saved_step_;           // of the last checkpoint
  double saved_at_;                   // when that was, on the clock of seconds()
  std::future<std::string> writing_;  // ends with a warning, or nothing; waits when it is destroyed, so it comes last
};

}  // namespace tandem
