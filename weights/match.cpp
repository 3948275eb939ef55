#include "weights/match.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/base/pattern.h"
#include "core/tensor/dtype.h"
#include "weights/content.h"

namespace tandem {
namespace {

template <class Stored, class Real>
std::vector<Real> convert(const WeightsEntry& entry) {
  std::vector<Real> values(entry.data.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto stored = read_number<Stored>(entry.data, i * sizeof(Stored));  // which need not be aligned
    if constexpr (std::is_floating_point_v<Stored>)
      values[i] = static_cast<Real>(stored);
    else
      values[i] = static_cast<Real>(static_cast<float>(stored));
  }
  return values;
}

std::string sizes(const std::vector<std::int64_t>& shape) { return fmt::format("({})", fmt::join(shape, ", ")); }

}  // namespace

Match match_weights(const std::filesystem::path& path, const std::vector<WeightsEntry>& entries,
                    const std::vector<WantedTensor>& wanted, const std::vector<std::string>& skip) {
  for (const std::string& pattern : skip)
    if (std::none_of(wanted.begin(), wanted.end(), [&](const auto& w) { return fits_pattern(w.name, pattern); }))
      fail_input("{}: the pattern \"{}\" of tensors to skip fits none of the network's", path.string(), pattern);
  std::unordered_map<std::string_view, const WeightsEntry*> known;
  for (const WeightsEntry& entry : entries) known.emplace(entry.name, &entry);

  Match match;
  std::unordered_set<std::string_view> names;
  for (const WantedTensor& tensor : wanted) {
    names.insert(tensor.name);
    MatchedTensor& matched = match.tensors.emplace_back(MatchedTensor{tensor.name, tensor.shape, nullptr, ""});
    const auto skipping =
        std::find_if(skip.begin(), skip.end(), [&](const auto& pattern) { return fits_pattern(tensor.name, pattern); });
    const auto found = known.find(tensor.name);
    if (skipping != skip.end()) {
      matched.why = fmt::format("skipped by \"{}\"", *skipping);
    } else if (found == known.end()) {
      if (!tensor.optional)
        refuse_file(path, "has no {}, expected {}; a pattern in model.weights_skip lets it begin at random",
                    tensor.name, sizes(tensor.shape));
      matched.why = "not in the file";
    } else if (found->second->shape != tensor.shape || !is_floating_point(*found->second)) {
      const std::string have = describe_tensor(found->second->dtype, found->second->shape);
      if (!tensor.optional)
        refuse_file(path, "{} is {}, expected {}; a pattern in model.weights_skip lets it begin at random", tensor.name,
                    have, sizes(tensor.shape));
      matched.why = fmt::format("{} in the file", have);
    } else {
      matched.source = found->second;
    }
  }
  for (const WeightsEntry& entry : entries)
    if (!names.contains(entry.name)) match.left_over.push_back(&entry);
  return match;
}

std::string describe_match(const Match& match, const std::map<std::string, std::string>& origins) {
  std::string text;
  const auto origin = [&](const std::string& name) -> const std::string& {
    const auto found = origins.find(name);
    return found == origins.end() ? name : found->second;
  };
  for (const MatchedTensor& tensor : match.tensors)
    if (tensor.source)
      text += fmt::format("taken      {:<32} {:<20} {} {}\n", tensor.name, sizes(tensor.shape), tensor.source->dtype,
                          printable(origin(tensor.name)));
  for (const MatchedTensor& tensor : match.tensors)
    if (!tensor.source)
      text += fmt::format("random     {:<32} {:<20} {}\n", tensor.name, sizes(tensor.shape), tensor.why);
  for (const WeightsEntry* entry : match.left_over)
    text +=
        fmt::format("left over  {:<32} {:<20} {}\n", printable(origin(entry->name)), sizes(entry->shape), entry->dtype);
  return text;
}

std::string summarise_match(const Match& match, const std::map<std::string, std::string>& origins) {
  constexpr std::size_t kShown = 4;
  Match random;
  for (const MatchedTensor& tensor : match.tensors)
    if (!tensor.source) random.tensors.push_back(tensor);
  std::string text = fmt::format("{} tensors taken\n", match.tensors.size() - random.tensors.size());
  text += describe_match(random, origins);
  if (match.left_over.empty()) return text;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(kShown, match.left_over.size()); ++i) {
    const auto found = origins.find(match.left_over[i]->name);
    names.push_back(printable(found == origins.end() ? match.left_over[i]->name : found->second));
  }
  return text + fmt::format("{} left over: {}{}\n", match.left_over.size(), fmt::join(names, ", "),
                            match.left_over.size() > kShown ? ", ..." : "");
}

bool is_floating_point(const WeightsEntry& entry) {
  return entry.dtype == "F64" || entry.dtype == "F32" || entry.dtype == "F16" || entry.dtype == "BF16";
}

template <class Real>
std::vector<Real> real_values(const WeightsEntry& entry) {
  if (entry.dtype == "F64") return convert<double, Real>(entry);
  if (entry.dtype == "F32") return convert<float, Real>(entry);
  if (entry.dtype == "F16") return convert<Float16, Real>(entry);
  if (entry.dtype == "BF16") return convert<BFloat16, Real>(entry);
  fail("{} is {}, no floating-point tensor", entry.name, entry.dtype);
}

template std::vector<float> real_values<float>(const WeightsEntry& entry);
template std::vector<double> real_values<double>(const WeightsEntry& entry);

}  // namespace tandem
