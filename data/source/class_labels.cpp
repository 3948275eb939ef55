#include "data/source/class_labels.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "data/list/label_reader.h"

namespace tandem {
namespace {

using Title = std::function<std::string(std::size_t)>;

/// The classes that the words name, in their order.
ClassNames named_by(const LabelWords& words, const std::string& source, std::optional<int> number) {
  std::vector<std::string> names;
  for (const std::string& word : words.words()) names.push_back(composed_name(word));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (number && names.size() != static_cast<std::size_t>(*number))
    fail_input("{}: {} classes ({}): expected {}", source, names.size(), short_list(names), *number);
  return {names, "the classes of " + source};
}

/// Names classes by their numbers: as many as are expected or, if nobody said, as the largest label asks for.
std::vector<std::string> numbered(const LabelWords& words, const std::vector<std::int32_t>& label_of_word,
                                  std::optional<int> number, const Title& title) {
  const auto largest = std::max_element(label_of_word.begin(), label_of_word.end());
  if (!number && static_cast<std::size_t>(*largest) >= words.size())
    fail_input(
        "{}: label {} of {} images: expected classes numbered from 0 without large gaps; a classes.txt names those "
        "without images too",
        title(words.first_image(static_cast<std::size_t>(largest - label_of_word.begin()))), *largest, words.size());
  std::vector<std::string> names;
  for (std::int32_t i = 0; i < number.value_or(*largest + 1); ++i) names.push_back(std::to_string(i));
  return names;
}

void check_words(const LabelWords& words, const Title& title) {
  for (std::size_t w = 0; w < words.words().size(); ++w) {
    const std::string& word = words.words()[w];
    if (word.empty() || !is_utf8(word) || word.find_first_of("\n\r") != std::string::npos)
      fail_input("{}: {}", title(words.first_image(w)),
                 word.empty() ? "has no label" : "its label is not a line of UTF-8");
  }
}

}  // namespace

void LabelWords::add(const std::string& word) {
  const auto [place, is_new] = number_of_.emplace(word, static_cast<std::uint32_t>(words_.size()));
  if (is_new) {
    words_.push_back(word);
    first_.push_back(static_cast<std::uint32_t>(word_of_.size()));
  }
  word_of_.push_back(place->second);
}

ClassLabels class_labels(const std::string& source, const LabelWords& words, bool are_names, const ClassNames& own,
                         const ExpectedClasses& expected, const Title& title) {
  check_words(words, title);
  const std::vector<std::string>& all = words.words();
  const ClassNames& known = expected.known;
  const bool all_numbers = std::all_of(all.begin(), all.end(), [](const std::string& w) { return number_in(w); });
  const bool by_words = own.empty() && known.empty() && (are_names || !all_numbers);
  const ClassNames names = by_words ? named_by(words, source, expected.number) : own;
  const LabelReader reader(names, known, expected.number, "");

  std::vector<std::int32_t> label_of_word;
  for (std::size_t w = 0; w < all.size(); ++w) {
    const std::string where = title(words.first_image(w));
    // A name is one even where it looks like a number.
    if (!are_names && !by_words)
      label_of_word.push_back(reader.label(all[w], where));
    else
      label_of_word.push_back((known.empty() ? names : known).number_of(all[w], where + ": class"));
  }
  ClassLabels result;
  if (known.empty() && names.empty())
    result.classes = numbered(words, label_of_word, expected.number, title);
  else
    result.classes = (known.empty() ? names : known).names();
  for (const std::uint32_t word : words.word_of_images()) result.labels.push_back(label_of_word[word]);

  if (!known.empty())
    result.naming = fmt::format("labels are matched with {}", known.title());
  else if (by_words)
    result.naming = "the classes are named after its labels";
  else if (!own.empty())
    result.naming = fmt::format("labels refer to {}", own.title());
  else
    result.naming = "nobody names the classes: they are called by their numbers";
  result.naming = source + ": " + result.naming;
  return result;
}

}  // namespace tandem
