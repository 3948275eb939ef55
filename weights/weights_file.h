#pragma once
// Files of weights, whatever program wrote them: a list of named tensors behind one interface.
//
// A file's format is told by its content, never by its name. docs/weights.md lists the formats;
// weights/formats/formats.h says how to add one. Tensors keep the names that the file gives them.
// weights/resnet_weights.h finds a ResNet in them.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/safetensors.h"

namespace tandem {

/// Name, dtype (safetensors' words), shape in PyTorch's order, and bytes that somebody else owns.
using WeightsEntry = SafetensorsEntry;

struct WeightsFile {
  std::filesystem::path path;
  std::string format;                               ///< for people: "PyTorch (zip)"
  std::vector<WeightsEntry> entries;                ///< no name occurs twice
  std::map<std::string, std::string> metadata;      ///< strings and numbers that lie beside the tensors
  std::vector<std::string> notes;                   ///< what was passed over, a line each
  std::vector<std::shared_ptr<const void>> owners;  ///< of the entries' bytes

  /// Null if there is no such tensor.
  const WeightsEntry* find(std::string_view name) const;
};

/// Reads a file of any format. InputError, naming the file, for one that cannot be opened, is damaged, needs more
/// memory than there is, or has none of the formats. Nothing that a file holds is executed.
WeightsFile read_weights(const std::filesystem::path& path);

}  // namespace tandem
