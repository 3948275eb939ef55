#pragma once
// What a run tells as it goes: metrics.jsonl for programs, progress and a line for each epoch for people.

#include <optional>
#include <ostream>
#include <string_view>

#include "inference/predict.h"
#include "layers/losses/training_loss.h"
#include "train/loop/epochs.h"
#include "train/loop/metrics_log.h"
#include "train/loop/progress.h"

namespace tandem {

/// A finished step.
struct StepRecord {
  std::int64_t step = 0;  ///< from 0
  LossValues losses;
  double lr = 0;
  int images = 0;
  double seconds = 0;  ///< that it took, waiting for its batch included
  double end = 0;      ///< when it ended, on the clock of seconds()
};

/// What an evaluation finds.
struct Scores {
  Accuracy accuracy;
  std::optional<double> recall_at_1;  ///< of the embedding, where the classifier is not trained
  bool collapsed = false;             ///< The embedding has become one point.

  /// What the best checkpoint has most of: recall@1 where the classifier is not trained, else top-1.
  double ranked() const { return recall_at_1.value_or(accuracy.top1); }
};

/// A finished epoch.
struct EpochRecord {
  std::int64_t epoch = 0;  ///< from 0
  LossValues losses;       ///< means over its steps
  double lr = 0;           ///< of its last step
  std::optional<Scores> scores;
  bool best = false;  ///< The scores are the best so far: those of the averaged weights, if there are any.
  std::optional<Scores> averaged = std::nullopt;  ///< The scores of the averaged weights.
};

class RunLog {
 public:
  /// Keeps references to all.
  RunLog(MetricsLog& metrics, std::ostream& out, const Epochs& epochs);

  void step(const StepRecord& record);
  /// The epoch that the last step ends.
  void epoch(const EpochRecord& record);
  /// A line for people; nothing if it is empty.
  void line(std::string_view text);
  /// Until the next step, time is not training's.
  void pause() { progress_.pause(); }
  /// Removes the progress line.
  void clear() { progress_.clear(); }

 private:
  MetricsLog& metrics_;
  Progress progress_;
  const Epochs& epochs_;
  double epoch_seconds_ = 0;       // spent on the epoch's steps in this process
  std::int64_t epoch_images_ = 0;  // trained in them
};

}  // namespace tandem
