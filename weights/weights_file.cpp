#include "weights/weights_file.h"

#include <algorithm>
#include <unordered_set>

#include "weights/content.h"
#include "weights/formats/formats.h"

namespace tandem {

const WeightsEntry* WeightsFile::find(std::string_view name) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

WeightsFile read_weights(const std::filesystem::path& path) {
  const FileBeginning beginning(path);
  for (const WeightsFormat& format : kWeightsFormats) {
    if (!format.recognises(beginning.bytes())) continue;
    WeightsFile file = format.read(path);
    file.path = path;
    std::unordered_set<std::string_view> names;
    for (const WeightsEntry& entry : file.entries)
      if (!names.insert(entry.name).second) refuse_file(path, "has two tensors of the name {}", entry.name);
    return file;
  }
  std::string known;
  for (const WeightsFormat& format : kWeightsFormats) known.append(known.empty() ? "" : ", ").append(format.name);
  refuse_file(path, "not a file of weights, expected one of {}", known);
}

}  // namespace tandem
