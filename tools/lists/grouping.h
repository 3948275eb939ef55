#pragma once
// Which images belong together: those of one uploader, of one article.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/study/parts.h"

namespace tandem::tools {

/// A table of a text file, whose first line names the columns: parted by tabs if that line has one, else by commas,
/// with quotes as in RFC 4180.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};
/// InputError, with file and line, for a file that is missing or empty, and for a row with other than the header's
/// number of fields.
Table read_table(const std::filesystem::path& path);

/// Groups of two or more images with the same value in a table's column. An image's row is that whose `key` column has
/// its path, its path below the table's folder, its file name, or that without extension; the first that a row has.
/// InputError for an image without a row, for two rows of different groups with one key, and for a column that is not
/// there. Images whose group is empty belong to nobody.
std::vector<std::vector<std::size_t>> groups_by_column(const Parts& parts, const std::filesystem::path& table,
                                                       const std::string& key, const std::string& column);

/// Groups of two or more images whose paths have the same text in a regular expression's (ECMAScript) first pair of
/// parentheses, or, if it has none, as the whole match. InputError for a path that does not match, and for an
/// expression that is none.
std::vector<std::vector<std::size_t>> groups_by_pattern(const Parts& parts, const std::string& pattern);

}  // namespace tandem::tools
