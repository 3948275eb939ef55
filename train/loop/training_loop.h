#pragma once
// The steps and epochs of a run, from where it begins to its end.

#include <functional>
#include <optional>
#include <vector>

#include "train/control/time_limit.h"
#include "train/loop/checkpoint_keeper.h"
#include "train/loop/interrupt.h"
#include "train/loop/run_log.h"
#include "train/loop/session.h"

namespace tandem {

class TrainingLoop {
 public:
  /// `state`: where the run begins. `goes_on_after_epoch` may end it (train/train.h). Keeps references to the others.
  TrainingLoop(Session& session, RunState state, RunFolder& folder, RunLog& log, const InterruptScope& interrupt,
               const TimeLimit& time_limit, std::function<bool()> goes_on_after_epoch = {});

  /// `ended`: by goes_on_after_epoch.
  enum class Ending { finished, stopped_early, ended, out_of_time, interrupted };

  /// Trains until the end, until it stops early, until the time is up, but at least one step, or until interrupted.
  /// When an image cannot be read, the run so far is saved before the error goes on. An epoch is saved before it is
  /// evaluated. Every checkpoint is written when this returns.
  Ending run();
  const RunState& state() const { return state_; }

 private:
  /// A step whose losses have not been read yet.
  struct InFlight {
    double lr;
    int images;
  };

  Ending train();
  bool time_is_up() const;
  bool must_stop() const { return interrupt_.interrupted() || time_is_up(); }
  bool has_stopped_early() const;
  std::int64_t steps_submitted() const { return state_.step + static_cast<std::int64_t>(in_flight_.size()); }
  Batch next_batch(PairLoader& batches);
  void submit(PairLoader& batches);
  bool must_finish(bool stop) const;
  void finish_steps();
  void note_step(const InFlight& step, const LossValues& losses, double took, double end);
  bool finish_step();
  bool finish_epoch(bool save_anyway);
  Scores evaluate();
  Scores evaluate_average();
  void evaluate_at_max_time();

  Session& session_;
  RunState state_;
  StepExecutor steps_;
  CheckpointKeeper keeper_;
  RunLog& log_;
  const InterruptScope& interrupt_;
  const TimeLimit& time_limit_;
  const std::int64_t first_step_;  // that this process makes
  std::function<bool()> goes_on_after_epoch_;
  bool ended_ = false;               // by it
  std::vector<InFlight> in_flight_;  // the steps after state_.step
  double begin_ = 0;                 // when the first of them began, on the clock of seconds()
};

}  // namespace tandem
