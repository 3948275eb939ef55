#pragma once
// Checkpoints: one safetensors file with everything a run needs to go on, or an evaluation to begin.
//
//   model.<name>               parameters and running statistics, torchvision's names, in PyTorch's layout
//   ema.<name>                 the same, averaged over the steps (train/optim/ema.h), where the run averages them
//   optimizer.<kind>.<name>    what it keeps (train/optim/optimizer.h): momentum, for example, SGD's velocities
//   metadata                   tandem.format and tandem.model (inference/model/model_file.h), tandem.config (the
//                              resolved config), tandem.classes (names), tandem.state (RunState): JSON
//
// torchvision's ResNet loads the tensors under "model." as they are (its fc has the classes of the run).

#include <filesystem>
#include <string>
#include <vector>

#include "inference/model/model_file.h"
#include "io/safetensors.h"
#include "train/checkpoint/run_state.h"
#include "train/config/config.h"
#include "train/optim/ema.h"
#include "train/optim/optimizer.h"

namespace tandem {

struct CheckpointInfo {
  Config config;
  std::vector<std::string> classes;
  RunState state;
};

/// All that a checkpoint holds, copied to the host: what is trained after that does not change it. Any thread may write
/// it.
class CheckpointSnapshot {
 public:
  /// Waits for the device. `ema`: the run's averaged weights, or null.
  CheckpointSnapshot(Backend& backend, TwinTowers& model, Optimizer& optimizer, const CheckpointInfo& info,
                     Ema* ema = nullptr);
  CheckpointSnapshot(CheckpointSnapshot&&) = default;
  CheckpointSnapshot& operator=(CheckpointSnapshot&&) = default;

  /// Writes atomically: after an Error (disk full, ...) an earlier file at `path` is as it was. Error also for a value
  /// that is not a finite number: a run goes on from such a checkpoint to nowhere.
  void write(const std::filesystem::path& path) const;

  std::int64_t step() const { return step_; }
  /// The memory that the tensors take.
  std::size_t bytes() const;

 private:
  std::int64_t step_;
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<SafetensorsEntry> entries_;  // views of the buffers
  SafetensorsMetadata metadata_;
};

/// A run's checkpoint, read and verified. InputError, naming the file, for anything that Tandem did not write whole,
/// and for a model without a run's state.
class Checkpoint {
 public:
  explicit Checkpoint(const std::filesystem::path& path);

  const CheckpointInfo& info() const { return info_; }
  /// Copies parameters and running statistics; all must be there, in the same shapes.
  void load_model(Backend& backend, TwinTowers& model) const { model_.load(backend, model); }
  void load_optimizer(Backend& backend, Optimizer& optimizer) const;
  void load_ema(Backend& backend, Ema& ema) const;

 private:
  ModelFile model_;
  CheckpointInfo info_;
};

/// The options of the network that a config describes, for a data set of `classes` classes.
TwinTowersOptions model_options(const ModelConfig& config, std::int64_t classes);

}  // namespace tandem
