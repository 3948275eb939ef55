#include "inference/model/model_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "inference/model/tensors.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

ModelDescription description_in(const std::filesystem::path& path, const SafetensorsFile& file) {
  const auto value = [&](const char* key) -> const std::string& { return metadata_value(path, file, key); };
  if (value(kFormatKey) != kCheckpointFormat)
    fail_input("{}: checkpoint format {}, expected {}", path.string(), value(kFormatKey), kCheckpointFormat);
  if (!file.has_checksum()) fail_input("{}: a checkpoint without a checksum: it was changed", path.string());
  if (file.metadata().contains(kModelKey)) return parse_model_description(value(kModelKey), path.string());
  return describe_old_checkpoint(value("tandem.config"), value("tandem.classes"), value("tandem.state"), path.string());
}

bool holds_average(const SafetensorsFile& file) {
  return std::any_of(file.entries().begin(), file.entries().end(),
                     [](const SafetensorsEntry& entry) { return entry.name.starts_with(kAveragePrefix); });
}

WeightSet chosen(const std::filesystem::path& path, bool has_average, WeightSet weights) {
  if (weights == WeightSet::ema && !has_average)
    fail_input("{}: has no averaged weights: its run did not average them, or it was stripped", path.string());
  if (weights != WeightSet::automatic) return weights;
  return has_average ? WeightSet::ema : WeightSet::raw;
}

/// InputError unless a file can be written at `to` that is not the file `from`.
void check_target(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code ignored;
  if (std::filesystem::equivalent(from, to, ignored))
    fail_input("{}: the checkpoint itself, expected another file to write", to.string());
  if (std::filesystem::exists(to, ignored) && !std::filesystem::is_regular_file(to, ignored))
    fail_input("{}: not a file, expected one to write", to.string());
  require_writable_folder(to.has_parent_path() ? to.parent_path() : ".");
}

}  // namespace

const std::string& metadata_value(const std::filesystem::path& path, const SafetensorsFile& file,
                                  const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    fail_input("{}: not a checkpoint of Tandem: no {} in its metadata", path.string(), key);
  return found->second;
}

WeightSet parse_weight_set(std::string_view word) {
  for (const auto& [value, name] : enum_names(WeightSet{}))
    if (word == name) return value;
  fail_input("weights: got \"{}\", expected one of {}", word, known_names<WeightSet>());
}

ModelFile::ModelFile(const std::filesystem::path& path, WeightSet weights)
    : path_(path),
      file_(path),
      description_(description_in(path, file_)),
      has_average_(holds_average(file_)),
      weights_(chosen(path, has_average_, weights)) {}

void ModelFile::load(Backend& backend, TwinTowers& network) const {
  read_tensors(path_, file_, prefix(), backend, network.state());
}

WeightSet strip_checkpoint(const std::filesystem::path& from, const std::filesystem::path& to, WeightSet weights) {
  const ModelFile model(from, weights);
  check_target(from, to);
  const std::string prefix = model.prefix();
  std::vector<SafetensorsEntry> entries;
  for (const SafetensorsEntry& entry : model.file().entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    entries.push_back(entry);
    entries.back().name = kModelPrefix + entry.name.substr(prefix.size());
  }
  write_safetensors(to, entries, {{kFormatKey, kCheckpointFormat}, {kModelKey, to_json(model.description()).dump()}});
  return model.weights();
}

}  // namespace tandem
