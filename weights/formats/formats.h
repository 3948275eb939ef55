#pragma once
// The formats that read_weights() knows. To add one: a source beside this file with its two functions, a line in the
// table below, a test in tests/weights/, and its name in docs/weights.md.

#include <array>
#include <filesystem>
#include <string_view>

#include "weights/weights_file.h"

namespace tandem {

struct WeightsFormat {
  std::string_view name;
  /// Whether a file that begins with these bytes (4 KiB, or all of a shorter one) is meant to be of the format.
  bool (*recognises)(std::string_view beginning);
  /// Reads a file that it recognised. InputError if it is damaged.
  WeightsFile (*read)(const std::filesystem::path& path);
};

bool is_safetensors(std::string_view beginning);
WeightsFile read_safetensors(const std::filesystem::path& path);
/// model.safetensors.index.json, which names the files that hold the tensors.
bool is_safetensors_index(std::string_view beginning);
WeightsFile read_safetensors_index(const std::filesystem::path& path);
bool is_torch_zip(std::string_view beginning);
WeightsFile read_torch_zip(const std::filesystem::path& path);
/// What torch.save wrote before version 1.6: a row of pickles, then the storages.
bool is_torch_legacy(std::string_view beginning);
WeightsFile read_torch_legacy(const std::filesystem::path& path);
/// Blobs by the name of their layer: "conv1[0]".
bool is_caffe(std::string_view beginning);
WeightsFile read_caffe(const std::filesystem::path& path);
bool is_onnx(std::string_view beginning);
WeightsFile read_onnx(const std::filesystem::path& path);

/// The first that recognises a file reads it, so the strictest come first.
inline constexpr auto kWeightsFormats = std::to_array<WeightsFormat>({
    {"safetensors", is_safetensors, read_safetensors},
    {"safetensors index", is_safetensors_index, read_safetensors_index},
    {"PyTorch (zip)", is_torch_zip, read_torch_zip},
    {"PyTorch (legacy)", is_torch_legacy, read_torch_legacy},
    {"Caffe", is_caffe, read_caffe},
    {"ONNX", is_onnx, read_onnx},
});

}  // namespace tandem
