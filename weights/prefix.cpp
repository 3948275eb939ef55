#include "weights/prefix.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "weights/content.h"

namespace tandem {
namespace {

bool is_average(const std::string& prefix) { return prefix.find("ema") != std::string::npos; }
/// An optimizer keeps tensors under the names of the weights.
bool is_optimizer(const std::string& prefix) { return prefix.find("optim") != std::string::npos; }

std::string quoted(const std::vector<std::string>& prefixes) {
  std::vector<std::string> texts;
  texts.reserve(prefixes.size());
  for (const std::string& prefix : prefixes) texts.push_back(fmt::format("\"{}\"", printable(prefix)));
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// Every prefix that stands before all of the names.
std::vector<std::string> all_prefixes(const WeightsFile& file, const std::vector<std::string>& names) {
  std::unordered_set<std::string_view> known;
  for (const WeightsEntry& entry : file.entries) known.insert(entry.name);
  std::vector<std::string> prefixes;
  for (const WeightsEntry& entry : file.entries) {
    if (!entry.name.ends_with(names.front())) continue;
    const std::string prefix = entry.name.substr(0, entry.name.size() - names.front().size());
    if ((!prefix.empty() && !prefix.ends_with('.')) || is_optimizer(prefix)) continue;
    if (std::all_of(names.begin(), names.end(), [&](const auto& name) { return known.contains(prefix + name); }))
      prefixes.push_back(prefix);
  }
  std::sort(prefixes.begin(), prefixes.end(),
            [](const std::string& a, const std::string& b) { return std::pair(a.size(), a) < std::pair(b.size(), b); });
  return prefixes;
}

}  // namespace

std::string find_prefix(const WeightsFile& file, const std::string& key, const std::vector<std::string>& names,
                        std::vector<std::string>& notes) {
  const std::vector<std::string> all = all_prefixes(file, names);
  if (all.empty())
    refuse_file(file.path,
                "no ResNet by torchvision's names in it: no tensors {}, with or without something before them",
                fmt::join(names, ", "));
  std::vector<std::string> fitting;
  for (const std::string& prefix : all)
    if (key.empty() ? !is_average(prefix) : prefix == key || prefix.starts_with(key + ".")) fitting.push_back(prefix);
  if (fitting.empty() && key.empty()) fitting = all;
  if (fitting.empty()) refuse_file(file.path, "nothing under the key {}, expected one of {}", key, quoted(all));
  if (fitting.size() > 1 && fitting[0].size() == fitting[1].size())
    refuse_file(file.path, "holds several networks, expected a key that says which: one of {}", quoted(fitting));
  const std::string& chosen = fitting.front();
  if (!chosen.empty()) notes.push_back(fmt::format("the network's names begin with {}", quoted({chosen})));
  std::vector<std::string> others;
  for (const std::string& prefix : all)
    if (prefix != chosen) others.push_back(prefix);
  if (!others.empty()) notes.push_back("other sets of weights, which a key chooses: " + quoted(others));
  return chosen;
}

}  // namespace tandem
