#pragma once
// A model in a file: a checkpoint, opened for inference.
//
// Both a run's checkpoint (train/checkpoint/checkpoint.h) and what strip_checkpoint() leaves of one are safetensors
// files with the tensors "model.<name>", in a run that averages its weights also the averages "ema.<name>", and, in
// their metadata, the keys
//
//   tandem.format   "1"
//   tandem.model    the model's description (inference/model/model_description.h); a checkpoint that an earlier version
//                   wrote has none, and is described by its training config

#include <filesystem>

#include "core/base/option_keys.h"
#include "inference/model/model_description.h"
#include "io/safetensors.h"

namespace tandem {

inline constexpr const char* kFormatKey = "tandem.format";
inline constexpr const char* kModelKey = "tandem.model";
inline constexpr const char* kCheckpointFormat = "1";
/// Before the names of the network's tensors.
inline constexpr const char* kModelPrefix = "model.";
/// Before those of their averages.
inline constexpr const char* kAveragePrefix = "ema.";

/// Which of a checkpoint's weights: those of the last step, or their average over the steps. `automatic`: the average
/// where there is one.
enum class WeightSet { automatic, raw, ema };

constexpr auto enum_names(WeightSet) {
  using enum WeightSet;
  return std::to_array<EnumName<WeightSet>>({{automatic, "auto"}, {raw, "raw"}, {ema, "ema"}});
}

/// "auto", "raw" or "ema"; InputError for another word.
WeightSet parse_weight_set(std::string_view word);

/// Read and verified.
class ModelFile {
 public:
  /// InputError, naming the file, for anything that Tandem did not write whole, and if it has no average where one is
  /// asked for.
  explicit ModelFile(const std::filesystem::path& path, WeightSet weights = WeightSet::automatic);

  const std::filesystem::path& path() const { return path_; }
  const SafetensorsFile& file() const { return file_; }
  const ModelDescription& description() const { return description_; }
  /// Whether the file has averages beside the weights of the last step.
  bool has_average() const { return has_average_; }
  /// `raw` or `ema`: which weights load() copies.
  WeightSet weights() const { return weights_; }
  /// What is before the names of their tensors.
  const char* prefix() const { return weights_ == WeightSet::ema ? kAveragePrefix : kModelPrefix; }
  /// Copies parameters and running statistics into a network of tower_options(description()). InputError for tensors
  /// that are missing, or do not fit.
  void load(Backend& backend, TwinTowers& network) const;

 private:
  std::filesystem::path path_;
  SafetensorsFile file_;
  ModelDescription description_;
  bool has_average_;
  WeightSet weights_;
};

/// The value of a key of a checkpoint's metadata. InputError, naming the file, if it has none.
const std::string& metadata_value(const std::filesystem::path& path, const SafetensorsFile& file,
                                  const std::string& key);

/// Writes the model of the checkpoint `from`, with these weights as its only ones and without the state of optimizer
/// and run, to `to`, atomically; a folder for it is made. InputError for a checkpoint that cannot be used, and if `to`
/// is that checkpoint or no place for a file. Returns which weights they are.
WeightSet strip_checkpoint(const std::filesystem::path& from, const std::filesystem::path& to,
                           WeightSet weights = WeightSet::automatic);

}  // namespace tandem
