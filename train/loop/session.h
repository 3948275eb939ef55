#pragma once
// The parts of a run, made from its config. This is the one place that turns a config into parts: whatever else takes
// part in a run is handed a session, or parts of it.

#include <memory>
#include <optional>
#include <string>

#include "data/loader/loader.h"
#include "data/source/image_source.h"
#include "inference/engine.h"
#include "inference/predict.h"
#include "layers/losses/training_loss.h"
#include "train/checkpoint/checkpoint.h"
#include "train/control/epoch_control.h"
#include "train/finetune/freezing.h"
#include "train/loop/epochs.h"
#include "train/loop/step_executor.h"
#include "train/optim/ema.h"
#include "train/optim/optimizer.h"
#include "train/optim/schedule.h"

namespace tandem {

/// The training images of a config, and how they become batches; the steps are still to be chosen.
std::unique_ptr<const ImageSource> open_training_list(const Config& config);
PairLoaderOptions make_loader_options(const Config& config);

struct Session {
  /// A network with random weights, and everything that trains it. InputError for lists, a device or a batch that
  /// cannot be used.
  explicit Session(const Config& config);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// What a run begins with that has done no step.
  RunState first_state() const;
  /// Whether the last step done ends an epoch that was not evaluated and logged then, because something went wrong.
  bool epoch_is_open(const RunState& state) const;
  /// InputError unless every image of the evaluation can be decoded: the end of an epoch is late to find out.
  void check_evaluation() const;
  /// Precision, device and instruction set: what rounding depends on.
  std::string computed_on() const;
  /// The lines that a run begins with: network, device, data, length, and what is odd about the lists.
  std::string description();

  /// The steps from `state` on.
  StepExecutor make_steps(const RunState& state);
  /// Batches for the steps first_step .. last_step - 1.
  PairLoader make_loader(std::int64_t first_step, std::int64_t last_step) const;

  const Config config;  ///< For what keeps it: checkpoints, the run's folder, the comparison on --resume.
  const std::unique_ptr<const ImageSource> train_list;
  std::unique_ptr<const ImageSource> eval_list;  ///< null: the run is not evaluated
  Engine engine;
  Backend& backend;
  Context step_context;  ///< device, type and groups of the steps
  TwinTowers model;
  TrainingLoss loss;
  Epochs epochs;
  Schedule schedule;
  StepOptions step_options;
  TrainedHeads heads;
  Freezing freezing;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Ema> ema;        ///< null: the weights are not averaged
  PredictOptions predict_options;  ///< of an evaluation
  PairLoaderOptions loader_options;
  EpochControl control;
};

}  // namespace tandem
