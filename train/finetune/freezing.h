#pragma once
// Which parameters a run trains in which step: all, or those that the config's "finetune" leaves.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "layers/losses/loss_term.h"
#include "layers/twin_towers.h"
#include "train/finetune/finetune_options.h"
#include "train/loop/epochs.h"

namespace tandem {

class Freezing {
 public:
  /// InputError for a pattern that fits nothing, with what there is, and where nothing is left to train. `model` must
  /// outlive this.
  Freezing(TwinTowers& model, const FinetuneOptions& options, const TrainedHeads& heads, const Epochs& epochs);

  /// Makes the network what it is in step `step`, from 0. Returns whether that is another than after the last call.
  bool apply(std::int64_t step);

  /// A part of the run in which the same parameters are trained.
  struct Stage {
    std::int64_t first_step = 0;
    int epochs = 0;                ///< that are done before
    std::set<std::string> frozen;  ///< parameters
  };
  /// In order; the first begins with step 0. The last ones train, and take, the most.
  const std::vector<Stage>& stages() const { return stages_; }
  /// The parameters that no step trains.
  const std::set<std::string>& never_trained() const { return stages_.back().frozen; }
  /// A line for each stage, for people; nothing where all is trained throughout.
  std::string description() const;

 private:
  TwinTowers& model_;
  FinetuneOptions options_;
  std::vector<Stage> stages_;
  std::optional<std::size_t> applied_;  // index of a stage
};

}  // namespace tandem
