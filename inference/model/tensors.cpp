#include "inference/model/tensors.h"

#include <cstring>

#include "core/base/error.h"
#include "layers/torch_layout.h"

namespace tandem {
namespace {

const char* file_type(const Tensor& tensor) { return tensor.dtype() == DType::f64 ? "F64" : "F32"; }

std::string describe(const std::string& dtype, const std::vector<std::int64_t>& shape) {
  return fmt::format("{} ({})", dtype, fmt::join(shape, ", "));
}

template <class File, class Ours>
void read_as(Backend& backend, const SafetensorsEntry& entry, Tensor& tensor) {
  std::vector<Ours> ours(static_cast<std::size_t>(tensor.size()));
  for_torch_order(tensor.shape(), [&](std::int64_t to, std::int64_t from) {
    File value;  // copied, as the file's bytes need not be aligned
    std::memcpy(&value, entry.data.data() + static_cast<std::size_t>(from) * sizeof(File), sizeof(File));
    ours[static_cast<std::size_t>(to)] = static_cast<Ours>(value);
  });
  backend.copy_from_host(ours.data(), tensor);
}

}  // namespace

bool fits(const SafetensorsEntry& entry, const Tensor& tensor) {
  return entry.shape == torch_shape(tensor.shape()) && (entry.dtype == "F32" || entry.dtype == "F64");
}

std::string describe(const SafetensorsEntry& entry) { return describe(entry.dtype, entry.shape); }
std::string describe(const Tensor& tensor) { return describe(file_type(tensor), torch_shape(tensor.shape())); }

void read_tensor(Backend& backend, const SafetensorsEntry& entry, Tensor& tensor) {
  const bool wide = entry.dtype == "F64";
  if (tensor.dtype() == DType::f64)
    wide ? read_as<double, double>(backend, entry, tensor) : read_as<float, double>(backend, entry, tensor);
  else
    wide ? read_as<double, float>(backend, entry, tensor) : read_as<float, float>(backend, entry, tensor);
}

void read_tensors(const std::filesystem::path& path, const SafetensorsFile& file, const std::string& prefix,
                  Backend& backend, const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& t : tensors) {
    const SafetensorsEntry* entry = file.find(prefix + t.name);
    if (!entry) fail_input("{}: no tensor {}{}, which a checkpoint of this model has", path.string(), prefix, t.name);
    if (!fits(*entry, t.tensor()))
      fail_input("{}: {} is {}, expected {}", path.string(), entry->name, describe(*entry), describe(t.tensor()));
    read_tensor(backend, *entry, t.tensor());
  }
}

std::vector<std::byte> file_bytes(Backend& backend, const Tensor& tensor) {
  std::vector<std::byte> ours(tensor.bytes()), torch(tensor.bytes());
  backend.copy_to_host(tensor, ours.data());
  const std::size_t size = size_of(tensor.dtype());
  for_torch_order(tensor.shape(), [&](std::int64_t from, std::int64_t to) {
    std::memcpy(torch.data() + static_cast<std::size_t>(to) * size, ours.data() + static_cast<std::size_t>(from) * size,
                size);
  });
  return torch;
}

SafetensorsEntry file_entry(std::string name, const Tensor& tensor, const std::vector<std::byte>& bytes) {
  return {std::move(name), file_type(tensor), torch_shape(tensor.shape()), bytes};
}

}  // namespace tandem
