#pragma once
// Where a run is, as its checkpoints keep it.

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/backend/autotune_cache.h"
#include "train/optim/plateau.h"

namespace tandem {

/// Together with the config and the seed this determines everything that follows.
struct RunState {
  std::int64_t step = 0;           ///< steps done
  std::int64_t images = 0;         ///< in the training list
  std::string list;                ///< fingerprint of the training list (train/checkpoint/resume_check.h)
  std::vector<double> epoch_sums;  ///< the total loss, then each loss term, summed over the epoch's steps so far
  std::int64_t epoch_steps = 0;    ///< how many those are
  double matched_weight = 0;       ///< the loss weight "match_softmax" (layers/losses/training_loss.h)
  /// of UpdateInputs; absent without one
  std::optional<std::array<double, 2>> loss_scale;
  std::optional<double> best_score;        ///< of the epochs so far
  std::string best_of;                     ///< which figure that is: Figure::text(); empty in older checkpoints
  std::optional<Patience> early_stopping;  ///< absent without it
  std::optional<PlateauState> plateau;     ///< absent for another schedule
  std::optional<std::string> eval_list;    ///< fingerprint of their list; absent without one, and in older checkpoints
  std::string computed_on;                 ///< precision, device, instruction set; empty in older checkpoints
  AutotuneChoices autotune;                ///< the ways to compute that were chosen by measuring

  bool operator==(const RunState&) const = default;
};

nlohmann::json to_json(const RunState& state);
/// The reverse. Throws an exception of nlohmann::json for what is not one.
RunState parse_run_state(const nlohmann::json& json);

}  // namespace tandem
