#include "inference/model/model_file.h"

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

ModelFile::ModelFile(const std::filesystem::path& path)
    : path_(path), file_(path), description_(description_in(path, file_)) {}

void ModelFile::load(Backend& backend, TwinTowers& network) const {
  read_tensors(path_, file_, kModelPrefix, backend, network.state());
}

void strip_checkpoint(const std::filesystem::path& from, const std::filesystem::path& to) {
  const ModelFile model(from);
  check_target(from, to);
  std::vector<SafetensorsEntry> entries;
  for (const SafetensorsEntry& entry : model.file().entries())
    if (entry.name.starts_with(kModelPrefix)) entries.push_back(entry);
  write_safetensors(to, entries, {{kFormatKey, kCheckpointFormat}, {kModelKey, to_json(model.description()).dump()}});
}

}  // namespace tandem
