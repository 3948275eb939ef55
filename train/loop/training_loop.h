#pragma once
// The steps and epochs of a run, from where it begins to its end.

#include <optional>
#include <vector>

#include "train/loop/checkpoint_keeper.h"
#include "train/loop/interrupt.h"
#include "train/loop/run_log.h"
#include "train/loop/session.h"

namespace tandem {

class TrainingLoop {
 public:
  /// `state`: where the run begins. Keeps references to the others.
  TrainingLoop(Session& session, RunState state, RunFolder& folder, RunLog& log, const InterruptScope& interrupt);

  /// Trains until the end, or until interrupted. Returns whether it came to the end. When an image cannot be read, the
  /// run so far is saved before the error goes on. An epoch is saved before it is evaluated.
  bool run();

 private:
  /// A step whose losses have not been read yet.
  struct InFlight {
    double lr;
    int images;
  };

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

  Session& session_;
  RunState state_;
  StepExecutor steps_;
  CheckpointKeeper keeper_;
  RunLog& log_;
  const InterruptScope& interrupt_;
  std::vector<InFlight> in_flight_;  // the steps after state_.step
  double begin_ = 0;                 // when the first of them began, on the clock of seconds()
};

}  // namespace tandem
