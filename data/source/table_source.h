#pragma once
// Tables of images: CSV (RFC 4180, commas) and TSV (tabs), whose first line names the columns.
//
//   path   an image file, relative to the root
//   label  a class's number or name
//   split  which part of the data it is in ("train"); needed where a split is asked for
//   group  what belongs together; may be empty
//
// Other columns are not read, and oddities() names them; one called weight is refused, since images have no weights of
// their own. A field may be in double quotes, and then hold commas, line ends, and quotes, which are doubled.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/list/image_list.h"
#include "data/source/class_labels.h"

namespace tandem {

/// A row of a table.
struct TableRow {
  std::uint32_t line;  // where it begins, from 1
  std::vector<std::string> fields;
};

/// The rows of a table's text but the empty ones. InputError, with the line, for quotes that are not closed or stand
/// within a field, for text that is not UTF-8, and for rows that have not as many fields as the first.
std::vector<TableRow> read_table(const std::string& text, char separator, const std::string& name);

class TableSource final : public ImageList {
 public:
  /// Takes the rows of one split, or every row. Class names come from a classes.txt beside the table or in the root;
  /// else labels that are not all numbers are the classes' names, in their order.
  static TableSource load(const std::filesystem::path& path, const std::filesystem::path& root,
                          const std::optional<std::string>& split, const ExpectedClasses& expected);

  std::string group(std::size_t i) const override { return groups_.empty() ? "" : groups_[i]; }

 private:
  struct Content {
    std::vector<ListEntry> entries;
    std::vector<std::string> groups, oddities;
    ClassLabels classes;
  };
  TableSource(const std::string& source, Content content);

  std::vector<std::string> groups_;  // none: the table has no such column
};

}  // namespace tandem
