// .onnx: a protobuf message ModelProto, of whose graph the initialisers are read.

#include <array>
#include <limits>

#include "io/safetensors.h"
#include "weights/content.h"
#include "weights/formats/formats.h"
#include "weights/onnx/onnx.pb.h"

namespace tandem {
namespace {

/// safetensors' word for a number of ONNX's enum DataType; empty for strings, complex and narrower numbers.
std::string_view dtype_of(std::int32_t type) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"", "F32", "U8", "I8", "U16", "I16", "I32", "I64", "", "BOOL", "F16", "F64", "U32", "U64", "", "", "BF16"});
  return type > 0 && type < static_cast<std::int32_t>(kNames.size()) ? kNames[static_cast<std::size_t>(type)] : "";
}

/// The elements, which are raw bytes or in one of the lists.
std::span<const std::byte> data_of(const onnx::TensorProto& tensor) {
  if (tensor.has_raw_data()) return std::as_bytes(std::span(tensor.raw_data()));
  const auto bytes = [](const auto& list) {
    return std::as_bytes(std::span(list.data(), static_cast<std::size_t>(list.size())));
  };
  if (tensor.float_data_size() > 0) return bytes(tensor.float_data());
  if (tensor.int64_data_size() > 0) return bytes(tensor.int64_data());
  return bytes(tensor.double_data());
}

WeightsEntry entry_of(const std::filesystem::path& path, const onnx::TensorProto& tensor) {
  const std::string_view dtype = dtype_of(tensor.data_type());
  const std::string name = printable(tensor.name());
  if (tensor.data_location() == 1)
    refuse_file(path, "the tensor {} lies in another file, expected it in this one", name);
  if (dtype.empty())
    refuse_file(path, "the tensor {} is of ONNX's type {}, which is not read", name, tensor.data_type());
  WeightsEntry entry{name, std::string(dtype), {tensor.dims().begin(), tensor.dims().end()}, data_of(tensor)};
  std::int64_t count = 0, bytes = 0;
  if (!count_elements(entry.shape, count) ||
      __builtin_mul_overflow(count, static_cast<std::int64_t>(element_size(dtype)), &bytes) ||
      bytes != static_cast<std::int64_t>(entry.data.size()))
    refuse_file(path, "the tensor {} is {}, but has {} bytes: damaged", name, describe_tensor(dtype, entry.shape),
                entry.data.size());
  return entry;
}

}  // namespace

// The first field is the version of the format.
bool is_onnx(std::string_view beginning) { return beginning.starts_with('\x08'); }

WeightsFile read_onnx(const std::filesystem::path& path) {
  const auto model = std::make_shared<onnx::ModelProto>();
  {
    const FileContent content(path);
    if (content.bytes().size() > std::numeric_limits<int>::max())
      refuse_file(path, "{} MiB long, expected an ONNX model of less than 2 GiB", content.bytes().size() >> 20U);
    if (!model->ParseFromArray(content.bytes().data(), static_cast<int>(content.bytes().size())) || !model->has_graph())
      refuse_file(path, "begins as an ONNX model does, but is damaged, truncated or something else");
  }
  WeightsFile file;
  file.format = "ONNX";
  if (model->has_producer_name())
    file.metadata["producer"] = printable(model->producer_name() + " " + model->producer_version());
  for (const onnx::TensorProto& tensor : model->graph().initializer()) file.entries.push_back(entry_of(path, tensor));
  file.owners.push_back(model);
  return file;
}

}  // namespace tandem
