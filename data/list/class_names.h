#pragma once
// The names of classes: what labels and subfolders refer to.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tandem {

/// Somebody's text within a message, in quotes: not too long.
std::string in_quotes(const std::string& text);
/// "apple, citrus, pear"; of many names the first ones, and how many there are.
std::string short_list(const std::vector<std::string>& names);

/// Names numbered from 0. None: nobody has named the classes.
class ClassNames {
 public:
  ClassNames() = default;
  /// `title` is what messages call them: "the network's classes".
  ClassNames(std::vector<std::string> names, std::string title);
  /// The names in the first classes.txt found in `folders`, one a line; none if there is none. Throws InputError if it
  /// names no class, one of them twice, or not as many as expected.
  static ClassNames read(const std::vector<std::filesystem::path>& folders, std::optional<int> expected);

  bool empty() const { return names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& title() const { return title_; }
  std::optional<std::int32_t> find(const std::string& name) const;
  /// The number of a class that must be there; `what` begins the InputError's message if it is not.
  std::int32_t number_of(const std::string& name, const std::string& what) const;

 private:
  std::vector<std::string> names_;
  std::string title_;
  std::unordered_map<std::string, std::int32_t> numbers_;
};

}  // namespace tandem
