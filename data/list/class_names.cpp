#include "data/list/class_names.h"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "core/base/error.h"
#include "data/list/files.h"
#include "data/list/text_lines.h"

namespace tandem {

namespace fs = std::filesystem;

namespace {

struct Free {
  void operator()(utf8proc_uint8_t* bytes) const { std::free(bytes); }
};

/// UTF8PROC_COMPOSE or UTF8PROC_DECOMPOSE.
std::string in_form(const std::string& name, utf8proc_option_t form) {
  if (std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; })) return name;
  utf8proc_uint8_t* changed = nullptr;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(name.data());
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form);
  const utf8proc_ssize_t size = utf8proc_map(bytes, static_cast<utf8proc_ssize_t>(name.size()), &changed, options);
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(changed);
  return size < 0 ? name : std::string(reinterpret_cast<const char*>(changed), static_cast<std::size_t>(size));
}

}  // namespace

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

std::string composed_name(const std::string& name) { return in_form(name, UTF8PROC_COMPOSE); }
std::string decomposed_name(const std::string& name) { return in_form(name, UTF8PROC_DECOMPOSE); }

std::optional<std::int32_t> number_in(const std::string& text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

ClassNames::ClassNames(const std::vector<std::string>& names, std::string title) : title_(std::move(title)) {
  for (const std::string& name : names) {
    const auto number = static_cast<std::int32_t>(names_.size());
    names_.push_back(composed_name(name));
    numbers_.emplace(names_.back(), number);
    const auto value = number_in(name);
    if (value && !of_value_.emplace(*value, number).second) of_value_[*value] = -1;
  }
}

ClassNames ClassNames::read(const std::vector<fs::path>& folders, std::optional<int> expected) {
  for (const fs::path& folder : folders) {
    const fs::path path = folder / "classes.txt";
    if (file_type_of(path) == fs::file_type::not_found) continue;
    std::vector<std::string> names;
    std::map<std::string, std::uint32_t> line_of;
    for (TextLine& line : read_text_lines(path)) {
      const auto [first, is_new] = line_of.emplace(composed_name(line.text), line.number);
      if (!is_new)
        fail_input("{}:{}: class {} is already on line {}", path.string(), line.number, in_quotes(line.text),
                   first->second);
      names.push_back(std::move(line.text));
    }
    if (names.empty()) fail_input("{}: names no class: expected one per line", path.string());
    if (expected && names.size() != static_cast<std::size_t>(*expected))
      fail_input("{}: names {} classes: expected {}", path.string(), names.size(), *expected);
    return {names, "the classes of " + path.string()};
  }
  return {};
}

std::optional<std::int32_t> ClassNames::find(const std::string& name) const {
  if (const auto found = numbers_.find(composed_name(name)); found != numbers_.end()) return found->second;
  const auto value = number_in(name);
  const auto same = value ? of_value_.find(*value) : of_value_.end();
  return same == of_value_.end() || same->second < 0 ? std::nullopt : std::optional(same->second);
}

std::optional<std::int32_t> ClassNames::misnumbered() const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const std::string& name = names_[i];
    const auto place = static_cast<std::int32_t>(i);
    // Numbers of articles may be too long for an integer.
    const bool is_number = number_in(name) || (!name.empty() && name.find_first_not_of("0123456789") == name.npos);
    if (is_number && number_in(name) != place) return place;
  }
  return std::nullopt;
}

std::int32_t ClassNames::number_of(const std::string& name, const std::string& what) const {
  const auto number = find(name);
  if (!number) fail_input("{} {} is none of {} ({})", what, in_quotes(name), title_, short_list(names_));
  return *number;
}

}  // namespace tandem
