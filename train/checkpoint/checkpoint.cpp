#include "train/checkpoint/checkpoint.h"

#include <cmath>
#include <cstring>

#include "layers/torch_layout.h"

namespace tandem {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "1";
constexpr const char* kModel = "model.";
constexpr const char* kOptimizer = "optimizer.";

const char* file_type(const Tensor& tensor) { return tensor.dtype() == DType::f64 ? "F64" : "F32"; }

/// A tensor's bytes in PyTorch's order.
std::vector<std::byte> to_file(Backend& backend, const Tensor& tensor) {
  std::vector<std::byte> ours(tensor.bytes()), torch(tensor.bytes());
  backend.copy_to_host(tensor, ours.data());
  const std::size_t size = size_of(tensor.dtype());
  for_torch_order(tensor.shape(), [&](std::int64_t from, std::int64_t to) {
    std::memcpy(torch.data() + static_cast<std::size_t>(to) * size, ours.data() + static_cast<std::size_t>(from) * size,
                size);
  });
  return torch;
}

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

void check_values(const std::string& name, const Tensor& tensor, const std::vector<std::byte>& bytes,
                  std::int64_t step) {
  if (tensor.dtype() == DType::f64 ? all_finite<double>(bytes) : all_finite<float>(bytes)) return;
  fail("{} has a value that is not a finite number after step {}: the run diverged; a lower optimizer.lr may help",
       name, step);
}

template <class File, class Ours>
void from_file(Backend& backend, const SafetensorsEntry& entry, Tensor& tensor) {
  std::vector<Ours> ours(static_cast<std::size_t>(tensor.size()));
  for_torch_order(tensor.shape(), [&](std::int64_t to, std::int64_t from) {
    File value;  // copied, as the file's bytes need not be aligned
    std::memcpy(&value, entry.data.data() + static_cast<std::size_t>(from) * sizeof(File), sizeof(File));
    ours[static_cast<std::size_t>(to)] = static_cast<Ours>(value);
  });
  backend.copy_from_host(ours.data(), tensor);
}

/// Copies a tensor that fits. An evaluation may compute in f64 what was trained in f32, and the reverse.
void from_file(Backend& backend, const SafetensorsEntry& entry, Tensor& tensor) {
  if (tensor.dtype() == DType::f64)
    entry.dtype == "F64" ? from_file<double, double>(backend, entry, tensor)
                         : from_file<float, double>(backend, entry, tensor);
  else
    entry.dtype == "F64" ? from_file<double, float>(backend, entry, tensor)
                         : from_file<float, float>(backend, entry, tensor);
}

bool fits(const SafetensorsEntry& entry, const Tensor& tensor) {
  return entry.shape == torch_shape(tensor.shape()) && (entry.dtype == "F32" || entry.dtype == "F64");
}

std::string describe(const std::string& dtype, const std::vector<std::int64_t>& shape) {
  return fmt::format("{} ({})", dtype, fmt::join(shape, ", "));
}

void load(const std::filesystem::path& path, const SafetensorsFile& file, Backend& backend, const std::string& prefix,
          const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& t : tensors) {
    const SafetensorsEntry* entry = file.find(prefix + t.name);
    if (!entry) fail_input("{}: no tensor {}{}, which a checkpoint of this model has", path.string(), prefix, t.name);
    if (!fits(*entry, t.tensor()))
      fail_input("{}: {} is {}, expected {}", path.string(), entry->name, describe(entry->dtype, entry->shape),
                 describe(file_type(t.tensor()), torch_shape(t.tensor().shape())));
    from_file(backend, *entry, t.tensor());
  }
}

CheckpointInfo parse_info(const std::filesystem::path& path, const SafetensorsFile& file) {
  const auto& metadata = file.metadata();
  const auto get = [&](const char* key) -> const std::string& {
    const auto found = metadata.find(key);
    if (found == metadata.end())
      fail_input("{}: not a checkpoint of Tandem: no {} in its metadata", path.string(), key);
    return found->second;
  };
  if (get("tandem.format") != kFormat)
    fail_input("{}: checkpoint format {}, expected {}", path.string(), get("tandem.format"), kFormat);
  if (!file.has_checksum()) fail_input("{}: a checkpoint without a checksum: it was changed", path.string());
  try {
    return {parse_config(get("tandem.config"), path.string()),
            json::parse(get("tandem.classes")).get<std::vector<std::string>>(),
            parse_run_state(json::parse(get("tandem.state")))};
  } catch (const std::exception& e) {
    fail_input("{}: the checkpoint's metadata cannot be used: {}", path.string(), e.what());
  }
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, Backend& backend, TwinTowers& model, Optimizer& optimizer,
                     const CheckpointInfo& info) {
  std::vector<std::vector<std::byte>> buffers;
  std::vector<SafetensorsEntry> entries;
  const auto append = [&](const std::string& prefix, const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& t : tensors) {
      buffers.push_back(to_file(backend, t.tensor()));
      check_values(prefix + t.name, t.tensor(), buffers.back(), info.state.step);
      entries.push_back({prefix + t.name, file_type(t.tensor()), torch_shape(t.tensor().shape()), buffers.back()});
    }
  };
  append(kModel, model.state());
  append(kOptimizer, optimizer.state());
  write_safetensors(path, entries,
                    {{"tandem.format", kFormat},
                     {"tandem.config", to_json(info.config).dump()},
                     {"tandem.classes", json(info.classes).dump()},
                     {"tandem.state", to_json(info.state).dump()}});
}

Checkpoint::Checkpoint(const std::filesystem::path& path) : path_(path), file_(path), info_(parse_info(path, file_)) {}

TwinTowersOptions Checkpoint::model_options() const {
  return tandem::model_options(info_.config.model, static_cast<std::int64_t>(info_.classes.size()));
}

void Checkpoint::load_model(Backend& backend, TwinTowers& model) const {
  load(path_, file_, backend, kModel, model.state());
}

void Checkpoint::load_optimizer(Backend& backend, Optimizer& optimizer) const {
  load(path_, file_, backend, kOptimizer, optimizer.state());
}

std::vector<std::string> load_initial_weights(const std::filesystem::path& path, Backend& backend, TwinTowers& model) {
  const SafetensorsFile file(path);
  const auto find = [&](const std::string& name) {
    const SafetensorsEntry* entry = file.find(kModel + name);
    return entry ? entry : file.find(name);
  };
  std::vector<std::string> missing;
  for (const NamedTensor& t : model.state()) {
    const SafetensorsEntry* entry = find(t.name);
    const bool head = t.name.starts_with("fc.") || t.name.starts_with("embedding.");
    if (entry && fits(*entry, t.tensor()))
      from_file(backend, *entry, t.tensor());
    else if (head)
      missing.push_back(t.name);
    else
      fail_input("{}: {} is {}, expected {}", path.string(), t.name,
                 entry ? describe(entry->dtype, entry->shape) : "missing",
                 describe(file_type(t.tensor()), torch_shape(t.tensor().shape())));
  }
  return missing;
}

TwinTowersOptions model_options(const ModelConfig& config, std::int64_t classes) {
  return {std::string(to_string(config.arch)), classes, config.embedding};
}

}  // namespace tandem
