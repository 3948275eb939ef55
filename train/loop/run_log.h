#pragma once
// What a run tells as it goes: metrics.jsonl for programs, progress and a line for each epoch for people.

#include <optional>
#include <ostream>
#include <string>
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
};

/// A finished epoch.
struct EpochRecord {
  std::int64_t epoch = 0;  ///< from 0
  LossValues losses;       ///< means over its steps
  double lr = 0;           ///< of its last step
  std::optional<Scores> scores;
  std::string best;                               ///< why it is the best so far, for people: "best"; empty if it is not
  std::optional<Scores> averaged = std::nullopt;  ///< The scores of the averaged weights.
};

/// The figures that the line of an epoch has, in their objects: {"loss": {"total": ...}, "eval": {"top1": ...}}.
nlohmann::ordered_json epoch_figures(const EpochRecord& record);

class RunLog {
 public:
  /// Keeps references to all.
  RunLog(MetricsLog& metrics, std::ostream& out, const Epochs& epochs);

  void step(const StepRecord& record);
  /// The epoch that the last step ends.
  void epoch(const EpochRecord& record);
  /// An evaluation after `steps` steps, in the middle of an epoch, because the time is up.
  void stop(std::int64_t steps, const Scores& scores);
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
