#pragma once
// A network's tensors in safetensors files: F32 or F64, in PyTorch's layout.

#include <filesystem>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "layers/module.h"

namespace tandem {

/// Whether a tensor of a file has the shape of `tensor`, and a type that can be converted to its.
bool fits(const SafetensorsEntry& entry, const Tensor& tensor);

/// "F32 (64, 3, 7, 7)": type and shape as in a file.
std::string describe(const SafetensorsEntry& entry);
std::string describe(const Tensor& tensor);

/// Copies a tensor that fits. F32 and F64 are converted into each other: an evaluation may compute in f64 what was
/// trained in f32, and the reverse.
void read_tensor(Backend& backend, const SafetensorsEntry& entry, Tensor& tensor);

/// read_tensor() for each of `tensors`, whose names in the file have `prefix` before them. InputError, which begins
/// with `path`, for one that is missing or does not fit; those before it are read by then.
void read_tensors(const std::filesystem::path& path, const SafetensorsFile& file, const std::string& prefix,
                  Backend& backend, const std::vector<NamedTensor>& tensors);

/// The bytes of an f32 or f64 tensor as a file has them.
std::vector<std::byte> file_bytes(Backend& backend, const Tensor& tensor);
/// The entry of a tensor with these bytes, which it views.
SafetensorsEntry file_entry(std::string name, const Tensor& tensor, const std::vector<std::byte>& bytes);

}  // namespace tandem
