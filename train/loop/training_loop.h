#pragma once
// The steps and epochs of a run, from where it begins to its end.

#include <functional>
#include <optional>
#include <vector>

#include "train/loop/checkpoint_keeper.h"
#include "train/loop/interrupt.h"
#include "train/loop/run_log.h"
#include "train/loop/session.h"

namespace tandem {

class TrainingLoop {
 public:
  /// `state`: where the run begins. `goes_on_after_epoch` may end it (train/train.h). Keeps references to the others.
  TrainingLoop(Session& session, RunState state, RunFolder& folder, RunLog& log, const InterruptScope& interrupt,
               std::function<bool()> goes_on_after_epoch = {});

  /// Trains until the end, or until interrupted. Returns false if it was interrupted. When an image cannot be read, the
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
  std::function<bool()> goes_on_after_epoch_;
  bool ended_ = false;               // by it
  std::vector<InFlight> in_flight_;  // the steps after state_.step
  double begin_ = 0;                 // when the first of them began, on the clock of seconds()
};

}  // namespace tandem
