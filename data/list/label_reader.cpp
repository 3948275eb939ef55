#include "data/list/label_reader.h"

#include <utility>

#include "core/base/error.h"

namespace tandem {
namespace {

constexpr const char* kBlanks = " \t";

std::string without_blanks_at_end(const std::string& text) {
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

}  // namespace

LabelReader::LabelReader(const ClassNames& own, const ClassNames& known, std::optional<int> number, std::string hint)
    : names_(own.empty() ? known : own),
      names_are_own_(!own.empty()),
      translation_(own.empty() || known.empty() ? nullptr : &known),
      classes_(names_.empty() ? number.value_or(0) : static_cast<std::int32_t>(names_.names().size())),
      misnumbered_(names_.misnumbered()),
      hint_(std::move(hint)) {}

LabelReader::Line LabelReader::read(const std::string& line, const std::string& where) const {
  std::size_t at = line.find_last_of(kBlanks);
  if (at == std::string::npos)
    fail_input("{}: {} has no label: expected 'path label', a blank or tab between them", where, in_quotes(line));
  if (const std::size_t tab = line.rfind('\t'); tab != std::string::npos) {
    const std::string name = line.substr(line.find_first_not_of(kBlanks, tab));
    if (names_.find(name)) at = line.size() - name.size() - 1;
  }
  return {without_blanks_at_end(line.substr(0, at)), label(line.substr(at + 1), where)};
}

std::int32_t LabelReader::label(const std::string& word, const std::string& where) const {
  const std::int32_t own = label_of(word, where);
  return translation_ == nullptr
             ? own
             : translation_->number_of(names_.names()[static_cast<std::size_t>(own)], where + ": class");
}

std::int32_t LabelReader::label_of(const std::string& word, const std::string& where) const {
  const auto number = number_in(word);
  if (!number) {
    if (const auto named = names_.find(word)) return *named;
    if (names_.empty())
      fail_input("{}: label {} is not an integer: expected 'path label'; names need a classes.txt beside the list",
                 where, in_quotes(word));
    fail_no_class(fmt::format("label {} is not an integer and", in_quotes(word)), where);
  }
  if (misnumbered_ && names_are_own_)
    fail_input(
        "{}: label {} is ambiguous: of {}, number {} is named {}: expected the names 0, 1, 2, ... in this order, or no "
        "classes.txt",
        where, word, names_.title(), *misnumbered_, in_quotes(names_.names()[static_cast<std::size_t>(*misnumbered_)]));
  if (misnumbered_) {
    if (const auto named = names_.find(word)) return *named;
    fail_no_class(fmt::format("label {} is", word), where);
  }
  if (*number < 0) fail_input("{}: label {} is negative: expected a class from 0", where, *number);
  if (classes_ > 0 && *number >= classes_)
    fail_input("{}: label {} is too large: expected 0 to {} ({})", where, *number, classes_ - 1,
               names_.empty() ? fmt::format("{} classes", classes_) : names_.title());
  return *number;
}

void LabelReader::fail_no_class(const std::string& what, const std::string& where) const {
  fail_input("{}: {} none of {} ({}){}", where, what, names_.title(), short_list(names_.names()), hint_);
}

}  // namespace tandem
