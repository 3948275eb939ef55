#include "data/list/class_names.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "data/list/files.h"
#include "data/list/text_lines.h"

namespace tandem {

namespace fs = std::filesystem;

std::string in_quotes(const std::string& text) {
  constexpr std::size_t kLongest = 80;
  return "'" + (text.size() <= kLongest ? text : text.substr(0, kLongest) + "...") + "'";
}

std::string short_list(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8, kLongest = 40;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, names.size()); ++i) {
    if (i > 0) text += ", ";
    text += names[i].size() <= kLongest ? names[i] : names[i].substr(0, kLongest) + "...";
  }
  return names.size() <= kMost ? text : fmt::format("{}, ... {} in all", text, names.size());
}

ClassNames::ClassNames(std::vector<std::string> names, std::string title)
    : names_(std::move(names)), title_(std::move(title)) {
  for (const std::string& name : names_) numbers_.emplace(name, static_cast<std::int32_t>(numbers_.size()));
}

ClassNames ClassNames::read(const std::vector<fs::path>& folders, std::optional<int> expected) {
  for (const fs::path& folder : folders) {
    const fs::path path = folder / "classes.txt";
    if (file_type_of(path) == fs::file_type::not_found) continue;
    std::vector<std::string> names;
    std::map<std::string, std::uint32_t> line_of;
    for (TextLine& line : read_text_lines(path)) {
      const auto [first, is_new] = line_of.emplace(line.text, line.number);
      if (!is_new)
        fail_input("{}:{}: class {} is already on line {}", path.string(), line.number, in_quotes(line.text),
                   first->second);
      names.push_back(std::move(line.text));
    }
    if (names.empty()) fail_input("{}: names no class: expected one a line", path.string());
    if (expected && names.size() != static_cast<std::size_t>(*expected))
      fail_input("{}: names {} classes: expected {}", path.string(), names.size(), *expected);
    return {std::move(names), "the classes of " + path.string()};
  }
  return {};
}

std::optional<std::int32_t> ClassNames::find(const std::string& name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

std::int32_t ClassNames::number_of(const std::string& name, const std::string& what) const {
  const auto number = find(name);
  if (!number) fail_input("{} {} is none of {} ({})", what, in_quotes(name), title_, short_list(names_));
  return *number;
}

}  // namespace tandem
