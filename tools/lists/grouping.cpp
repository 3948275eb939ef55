#include "tools/lists/grouping.h"

#include <algorithm>
#include <map>
#include <regex>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "core/base/error.h"
#include "data/list/class_names.h"
#include "data/list/text_lines.h"

namespace tandem::tools {
namespace {

namespace fs = std::filesystem;

/// The fields of a line. With commas, a field in quotes may have commas, and doubled quotes for one.
std::vector<std::string> fields_of(const std::string& line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (separator == ',' && c == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"')
        fields.back() += line[++i];
      else
        quoted = !quoted;
    } else if (c == separator && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::size_t column_of(const Table& table, const std::string& name, const fs::path& path) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found == table.columns.end())
    fail_input("{}: no column {}: expected one of {}", path.string(), in_quotes(name), short_list(table.columns));
  return static_cast<std::size_t>(found - table.columns.begin());
}

/// The images of each group of two or more, in the order of the first ones.
std::vector<std::vector<std::size_t>> grouped(const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::size_t>> images;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].empty()) images[names[i]].push_back(i);
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [name, group] : images)
    if (group.size() > 1) groups.push_back(std::move(group));
  std::sort(groups.begin(), groups.end());
  return groups;
}

/// What a table may call an image.
std::vector<std::string> keys_of(const std::string& image, const fs::path& folder) {
  const fs::path path = image;
  return {image, fs::absolute(path).lexically_normal().lexically_relative(folder).string(), path.filename().string(),
          path.stem().string()};
}

}  // namespace

Table read_table(const fs::path& path) {
  const std::vector<TextLine> lines = read_text_lines(path);
  if (lines.empty()) fail_input("{}: is empty: expected a line that names the columns", path.string());
  const char separator = lines.front().text.find('\t') != std::string::npos ? '\t' : ',';
  Table table{fields_of(lines.front().text, separator), {}};
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> fields = fields_of(lines[i].text, separator);
    // Blanks at a line's end are not read: empty fields in a table of tabs.
    if (separator == '\t' && fields.size() < table.columns.size()) fields.resize(table.columns.size());
    if (fields.size() != table.columns.size())
      fail_input("{}:{}: {} fields: expected {}, as the first line names", path.string(), lines[i].number,
                 fields.size(), table.columns.size());
    table.rows.push_back(std::move(fields));
  }
  return table;
}

std::vector<std::vector<std::size_t>> groups_by_column(const Parts& parts, const fs::path& path, const std::string& key,
                                                       const std::string& column) {
  const Table table = read_table(path);
  const std::size_t key_column = column_of(table, key, path), group_column = column_of(table, column, path);
  std::unordered_map<std::string, std::string> group_of;
  for (const std::vector<std::string>& row : table.rows) {
    const auto [place, is_new] = group_of.try_emplace(row[key_column], row[group_column]);
    if (!is_new && place->second != row[group_column])
      fail_input("{}: {} is in two groups, {} and {}", path.string(), in_quotes(row[key_column]),
                 in_quotes(place->second), in_quotes(row[group_column]));
  }
  const fs::path folder = fs::absolute(path).lexically_normal().parent_path();
  std::vector<std::string> names(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string image = parts.sample(i).path;
    const std::vector<std::string> keys = keys_of(image, folder);
    const auto known = std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return group_of.count(one) > 0; });
    if (known == keys.end())
      fail_input("{}: no row for {}: expected its path, its file's name or that without extension in the column {}",
                 path.string(), image, in_quotes(key));
    names[i] = group_of.at(*known);
  }
  return grouped(names);
}

std::vector<std::vector<std::size_t>> groups_by_pattern(const Parts& parts, const std::string& pattern) {
  std::regex expression;
  try {
    expression = std::regex(pattern);
  } catch (const std::regex_error& e) {
    fail_input("--group-regex: {}: not a regular expression: {}", in_quotes(pattern), e.what());
  }
  std::vector<std::string> names(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string path = parts.sample(i).path;
    std::smatch match;
    if (!std::regex_search(path, match, expression))
      fail_input("--group-regex: {} does not match {}", path, in_quotes(pattern));
    names[i] = match.size() > 1 ? match[1].str() : match[0].str();
  }
  return grouped(names);
}

}  // namespace tandem::tools
