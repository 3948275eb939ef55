#include "train/checkpoint/checkpoint.h"

#include <cmath>
#include <cstring>

#include "inference/model/tensors.h"
#include "train/config/architecture.h"

namespace tandem {
namespace {

using nlohmann::json;

constexpr const char *kConfigKey = "tandem.config", *kClassesKey = "tandem.classes", *kStateKey = "tandem.state";
constexpr const char* kOptimizerPrefix = "optimizer.";

template <class Real>
bool all_finite(const std::vector<std::byte>& bytes) {
  bool finite = true;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(Real)) {
    Real value;
    std::memcpy(&value, bytes.data() + i, sizeof(Real));
    finite &= std::isfinite(value);  // to the end, which the compiler makes faster than an early one
  }
  return finite;
}

void check_values(const SafetensorsEntry& entry, const std::vector<std::byte>& bytes, std::int64_t step) {
  if (entry.dtype == "F64" ? all_finite<double>(bytes) : all_finite<float>(bytes)) return;
  fail("{} has a value that is not a finite number after step {}: the run diverged; a lower optimizer.lr may help",
       entry.name, step);
}

CheckpointInfo parse_info(const ModelFile& model) {
  const std::string path = model.path().string();
  const auto get = [&](const char* key) -> const std::string& {
    return metadata_value(model.path(), model.file(), key);
  };
  if (!model.file().metadata().contains(kStateKey))
    fail_input("{}: a model without a run's state, as tandem-train --strip leaves it: expected a run's checkpoint",
               path);
  try {
    return {parse_config(get(kConfigKey), path), json::parse(get(kClassesKey)).get<std::vector<std::string>>(),
            parse_run_state(json::parse(get(kStateKey)))};
  } catch (const std::exception& e) {
    fail_input("{}: the checkpoint's metadata cannot be used: {}", path, e.what());
  }
}

/// What the run has made so far, for those who run it.
ModelDescription model_of(const CheckpointInfo& info) {
  ModelDescription model;
  model.backbone = backbone_of(info.config.model);
  model.embedding = info.config.model.embedding;
  model.classes = info.classes;
  model.input = InputDescription(info.config.model.input, info.config.data.image_size);
  const TrainedHeads heads = trained_heads(info.config.loss);
  model.classifier_trained = heads.classifier;
  model.embedding_trained = heads.embedding;
  model.directions = heads.directions;
  model.margin = distance_asked_for(info.config.loss);
  model.steps = info.state.step;
  model.precision = info.config.precision;
  return model;
}

}  // namespace

CheckpointSnapshot::CheckpointSnapshot(Backend& backend, TwinTowers& model, Optimizer& optimizer,
                                       const CheckpointInfo& info, Ema* ema)
    : step_(info.state.step),
      metadata_{{kFormatKey, kCheckpointFormat},
                {kModelKey, to_json(model_of(info)).dump()},
                {kConfigKey, to_json(info.config).dump()},
                {kClassesKey, json(info.classes).dump()},
                {kStateKey, to_json(info.state).dump()}} {
  const auto append = [&](const std::string& prefix, const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& t : tensors) {
      buffers_.push_back(file_bytes(backend, t.tensor()));
      entries_.push_back(file_entry(prefix + t.name, t.tensor(), buffers_.back()));
    }
  };
  append(kModelPrefix, model.state());
  if (ema) append(kAveragePrefix, ema->state());
  append(kOptimizerPrefix, optimizer.state());
}

std::size_t CheckpointSnapshot::bytes() const {
  std::size_t sum = 0;
  for (const std::vector<std::byte>& buffer : buffers_) sum += buffer.size();
  return sum;
}

void CheckpointSnapshot::write(const std::filesystem::path& path) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) check_values(entries_[i], buffers_[i], step_);
  write_safetensors(path, entries_, metadata_);
}

Checkpoint::Checkpoint(const std::filesystem::path& path) : model_(path, WeightSet::raw), info_(parse_info(model_)) {}

void Checkpoint::load_optimizer(Backend& backend, Optimizer& optimizer) const {
  read_tensors(model_.path(), model_.file(), kOptimizerPrefix, backend, optimizer.state());
}

void Checkpoint::load_ema(Backend& backend, Ema& ema) const {
  read_tensors(model_.path(), model_.file(), kAveragePrefix, backend, ema.state());
}

TwinTowersOptions model_options(const ModelConfig& config, std::int64_t classes) {
  return {backbone_of(config), classes, config.embedding};
}

}  // namespace tandem
