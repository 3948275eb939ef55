#pragma once
// What the images of a source are labelled with, numbers or names, and the classes that this makes.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/list/class_names.h"

namespace tandem {

/// The classes that a caller expects of a source.
struct ExpectedClasses {
  std::optional<int> number;
  ClassNames known;  ///< none: the source says what its classes are
};

/// The labels as the source has them, one image after the other.
class LabelWords {
 public:
  void add(const std::string& word);
  std::size_t size() const { return word_of_.size(); }

  const std::vector<std::string>& words() const { return words_; }               ///< each once
  const std::vector<std::uint32_t>& word_of_images() const { return word_of_; }  ///< indices of them
  /// The first image that is labelled with a word.
  std::uint32_t first_image(std::size_t word) const { return first_[word]; }

 private:
  std::vector<std::string> words_;
  std::vector<std::uint32_t> word_of_, first_;
  std::unordered_map<std::string, std::uint32_t> number_of_;
};

struct ClassLabels {
  std::vector<std::int32_t> labels;  ///< each image's
  std::vector<std::string> classes;
  std::string naming;  ///< as ImageSource::naming()
};

/// Words mean the classes `own`, of a classes.txt or of the data's own list of names, matched by name with those that
/// are known; else those that are known. If nobody has named the classes: where every word is a number, the words are
/// the classes' numbers, which are called by them; else, and always with `are_names`, the words are the classes' names,
/// in their order. `title(image)` begins an error's message. InputError for a label that means no class and for other
/// classes than are expected, as for lists (data/list/image_list.h).
ClassLabels class_labels(const std::string& source, const LabelWords& words, bool are_names, const ClassNames& own,
                         const ExpectedClasses& expected, const std::function<std::string(std::size_t)>& title);

}  // namespace tandem
