#pragma once
// The lines of a list: which image, which class.

#include <cstdint>
#include <optional>
#include <string>

#include "data/list/class_names.h"

namespace tandem {

/// Reads `path label` lines. A label is a class's number or its name. The line's last blank parts the two; before a
/// name that has blanks itself stands a tab. A number is a class's name where classes are called by other numbers than
/// their own: of the classes 0, 1, 10, 2, in this order, the label 2 means the last.
class LabelReader {
 public:
  struct Line {
    std::string image;
    std::int32_t label;
  };

  /// Labels mean the classes `own`, of a classes.txt, whose order is the classes' numbers: where such classes are
  /// called by other numbers, a number is refused. Where `known` names classes too, the label that is returned is that
  /// of the class of the same name there. If `own` is empty, labels mean those of `known`; if that is empty too, they
  /// are numbers, below `number` if it is given.
  /// `hint` ends the message for a label that is no class.
  LabelReader(const ClassNames& own, const ClassNames& known, std::optional<int> number,
              std::string hint = ": expected 'path label', with a tab before a name that has blanks");

  /// Throws InputError, its message beginning with `where`, if the line has no label or one that means no class.
  Line read(const std::string& line, const std::string& where) const;
  /// The same for a label alone.
  std::int32_t label(const std::string& word, const std::string& where) const;

 private:
  std::int32_t label_of(const std::string& word, const std::string& where) const;
  [[noreturn]] void fail_no_class(const std::string& what, const std::string& where) const;

  const ClassNames& names_;
  bool names_are_own_;
  const ClassNames* translation_;  // null: labels stay as they are
  std::int32_t classes_;           // 0: any number
  std::optional<std::int32_t> misnumbered_;
  std::string hint_;
};

}  // namespace tandem
