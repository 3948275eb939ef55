#pragma once
// A run: the parts that its config names, put together, and the steps that it makes. train/train.cpp decides what a
// run begins with; its steps are in run_steps.cpp, a dry run's in dry_run.cpp.

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "core/base/timing.h"
#include "data/list/image_list.h"
#include "data/loader/loader.h"
#include "data/loader/pair_stream.h"
#include "inference/predict.h"
#include "train/checkpoint/checkpoint.h"
#include "train/checkpoint/run_folder.h"
#include "train/loop/interrupt.h"
#include "train/loop/metrics_log.h"
#include "train/loop/parts.h"
#include "train/loop/progress.h"
#include "train/optim/schedule.h"

namespace tandem {

class Run {
 public:
  /// A new run, not yet begun. InputError for lists, a device or a batch that cannot be used.
  Run(const Config& config, std::ostream& out);

  /// InputError unless every image of the evaluation can be decoded: an epoch's end is late to hear of it.
  void check_evaluation() const;
  /// Takes over the config's weights, if it names some.
  void start_from_weights();
  /// Goes on from a checkpoint. InputError if it cannot, or has done more steps than the config asks for.
  void resume(const std::filesystem::path& checkpoint);

  std::int64_t steps_done() const { return state_.step; }
  /// Whether the last step done ends an epoch that was not evaluated and logged then, as something went wrong.
  bool epoch_is_open() const;

  /// Decodes every image, and says what a step and the run would take.
  void dry_run();
  /// Trains until the end, or until interrupted. Returns whether it came to the end. When an image cannot be read, or
  /// an evaluation fails, the run so far is saved before the error goes on.
  bool train(RunFolder& folder, MetricsLog& log, const InterruptScope& interrupt);

 private:
  /// A step whose losses have not been read yet.
  struct Queued {
    std::int64_t epoch;
    double lr;
    int images;
  };

  void report_start() const;
  void report_changes(const CheckpointInfo& before);
  void make_steps();
  PairLoader loader(std::int64_t first_step, std::int64_t last_step) const;
  double seconds_of_a_step();
  double seconds_of_an_evaluation();

  Batch next_batch(PairLoader& batches, double begin, RunFolder& folder, MetricsLog& log);
  void finish_steps(double begin, MetricsLog& log);
  void note_step(const Queued& step, const LossValues& values, double took, double end, MetricsLog& log);
  bool must_read(bool stop) const;
  void finish_epoch(std::int64_t epoch, bool save_anyway, MetricsLog& log, RunFolder& folder);
  Accuracy evaluate(RunFolder& folder);
  void save(RunFolder& folder, bool best, bool numbered);
  void save_before_an_error(const std::function<void()>& finish, RunFolder& folder);
  bool is_due(std::int64_t epoch) const;
  std::int64_t first_step_of(std::int64_t epoch) const {
    return epoch == 0 ? 0 : stream_.steps_before_epoch_end(epoch - 1);
  }
  /// How many epochs the steps done have brought to their end.
  std::int64_t epochs_ended() const;
  PredictOptions predict_options() const {
    return {config_.data.image_size, 2 * config_.pairs.batch, config_.data.workers, false, config_.data.max_pixels};
  }

  Config config_;
  std::ostream& out_;
  Progress progress_;
  ImageList train_list_;
  std::optional<ImageList> eval_list_;
  Engine engine_;
  Backend& backend_;
  TwinTowers model_;
  std::unique_ptr<Optimizer> optimizer_;
  PairStream stream_;
  std::int64_t total_steps_;
  Schedule schedule_;
  RunState state_;
  std::unique_ptr<StepExecutor> steps_;
  std::vector<Queued> queued_;     // after state_.step
  std::int64_t saved_step_ = 0;    // state_.step as the last checkpoint has it
  double epoch_seconds_ = 0;       // spent on the epoch's steps in this process
  std::int64_t epoch_images_ = 0;  // trained in them
};

}  // namespace tandem
