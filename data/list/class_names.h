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

/// A name as Tandem compares and prints it: in Unicode's composed form (NFC), since the same accented letter may be
/// written as one character or as two. What is not UTF-8 stays as it is.
std::string composed_name(const std::string& name);
/// The same in the decomposed form (NFD).
std::string decomposed_name(const std::string& name);

/// The number that a text is ("7", "007", "-1"); none if it is no number.
std::optional<std::int32_t> number_in(const std::string& text);

/// Names numbered from 0. None: nobody has named the classes.
class ClassNames {
 public:
  ClassNames() = default;
  /// Keeps the names composed. `title` is what messages call them: "the network's classes".
  ClassNames(const std::vector<std::string>& names, std::string title);
  /// The names in the first classes.txt found in `folders`, one a line; none if there is none. Throws InputError if it
  /// names no class, one of them twice, or not as many as expected.
  static ClassNames read(const std::vector<std::filesystem::path>& folders, std::optional<int> expected);

  bool empty() const { return names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& title() const { return title_; }
  /// The class of this name, composed or not; for a number that no class is called by, the one class whose name is the
  /// same number ("7" is "007").
  std::optional<std::int32_t> find(const std::string& name) const;
  /// The number of a class that must be there; `what` begins the InputError's message if it is not.
  std::int32_t number_of(const std::string& name, const std::string& what) const;
  /// The first class that is called by another number than its own: its name is no guide to its number, nor the other
  /// way round. Folders 0, 1, 2, ..., 10, 11 in the order of their names make such classes.
  std::optional<std::int32_t> misnumbered() const;

 private:
  std::vector<std::string> names_;
  std::string title_;
  std::unordered_map<std::string, std::int32_t> numbers_;
  std::unordered_map<std::int32_t, std::int32_t> of_value_;  // names that are numbers; -1: two names are the same one
};

}  // namespace tandem
