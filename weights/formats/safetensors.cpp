// safetensors, one file or several with an index.

#include <map>
#include <nlohmann/json.hpp>

#include "weights/content.h"
#include "weights/formats/formats.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kPrefix = 8;                     // the header's length
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the limit of the format's own reader
constexpr std::size_t kLargestIndex = 64U << 20U;

/// Appends a file's entries and makes it their owner.
const SafetensorsFile& append(WeightsFile& all, const std::filesystem::path& path) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  all.entries.insert(all.entries.end(), file->entries().begin(), file->entries().end());
  all.metadata.insert(file->metadata().begin(), file->metadata().end());
  all.owners.push_back(file);
  return *file;
}

/// The files that an index names, with the tensors that each should hold.
std::map<std::string, std::vector<std::string>> parse_index(const std::filesystem::path& path) {
  const FileContent content(path);
  if (content.bytes().size() > kLargestIndex) refuse_file(path, "too long for an index of safetensors files");
  const Json index = Json::parse(
      text_of(content.bytes()), [](int depth, Json::parse_event_t, const Json&) { return depth <= 3; },
      /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    refuse_file(path, "no JSON object with a weight_map, expected an index of safetensors files");
  std::map<std::string, std::vector<std::string>> files;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string()) refuse_file(path, "/weight_map/{} is not the name of a file", tensor);
    const auto name = file.get<std::string>();
    if (name.empty() || std::filesystem::path(name).filename() != name || name == "." || name == "..")
      refuse_file(path, "/weight_map/{} is \"{}\", expected a file beside the index", tensor, name);
    files[name].push_back(tensor);
  }
  return files;
}

}  // namespace

bool is_safetensors(std::string_view beginning) {
  if (beginning.size() <= kPrefix || beginning[kPrefix] != '{') return false;
  std::uint64_t length = 0;
  std::memcpy(&length, beginning.data(), kPrefix);
  return length <= kLargestHeader;
}

WeightsFile read_safetensors(const std::filesystem::path& path) {
  WeightsFile all;
  all.format = "safetensors";
  append(all, path);
  return all;
}

bool is_safetensors_index(std::string_view beginning) {
  const std::size_t first = beginning.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && beginning[first] == '{';
}

WeightsFile read_safetensors_index(const std::filesystem::path& path) {
  WeightsFile all;
  const auto files = parse_index(path);
  all.format = fmt::format("safetensors in {} files", files.size());
  for (const auto& [name, tensors] : files) {
    const SafetensorsFile& file = append(all, path.parent_path() / name);
    for (const std::string& tensor : tensors)
      if (!file.find(tensor)) refuse_file(path, "says that {} holds {}, which it does not", name, tensor);
  }
  return all;
}

}  // namespace tandem
