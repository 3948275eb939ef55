#include "data/source/table_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "data/list/files.h"
#include "data/source/format/names.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNone = ~std::size_t{0};

/// Reads one field after the other.
class FieldReader {
 public:
  FieldReader(const std::string& text, char separator, const std::string& name)
      : text_(text), separator_(separator), name_(name) {}

  bool ended() const { return at_ >= text_.size(); }
  std::uint32_t line() const { return line_; }
  /// Whether the field that was read ends its row.
  bool ends_row() const { return ends_row_; }

  std::string read() {
    std::string field = !ended() && text_[at_] == '"' ? quoted() : plain();
    ends_row_ = ended() || text_[at_] != separator_;
    if (!ended()) {
      if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
      if (ends_row_) ++line_;
      ++at_;
    }
    return field;
  }

 private:
  std::string plain() {
    const std::size_t begin = at_;
    while (!ended() && text_[at_] != separator_ && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '"' && separator_ == ',')
        fail_input("{}:{}: a quote within a field: expected fields with quotes in quotes, and those doubled", name_,
                   line_);
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  std::string quoted() {
    const std::uint32_t begin = line_;
    std::string field;
    for (++at_; !ended(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      line_ += text_[at_] == '\n';
      field += text_[at_];
    }
    if (ended()) fail_input("{}:{}: a quote that is not closed", name_, begin);
    ++at_;
    if (!ended() && text_[at_] != separator_ && text_[at_] != '\n' && text_[at_] != '\r')
      fail_input("{}:{}: text behind a closing quote: expected a separator", name_, line_);
    return field;
  }

  const std::string& text_;
  const char separator_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  bool ends_row_ = false;
};

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_input("{}: cannot read the file: {}", path.string(), std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.find('\0') != std::string::npos || !is_utf8(text))
    fail_input("{}: not a text file: expected UTF-8 text", path.string());
  return text;
}

struct Columns {
  std::size_t path = kNone, label = kNone, split = kNone, group = kNone;
  std::vector<std::string> all, unread;  // names
};

Columns columns_in(const TableRow& header, const std::string& name) {
  Columns columns;
  const std::array<std::pair<const char*, std::size_t*>, 4> known = {
      {{"path", &columns.path}, {"label", &columns.label}, {"split", &columns.split}, {"group", &columns.group}}};
  for (std::size_t c = 0; c < header.fields.size(); ++c) {
    const std::string field = on_one_line(header.fields[c]);
    columns.all.push_back(field);
    if (field == "weight")
      fail_input("{}:{}: images cannot have weights of their own: expected no column called weight", name, header.line);
    const auto one = std::find_if(known.begin(), known.end(), [&](const auto& k) { return field == k.first; });
    if (one == known.end()) {
      columns.unread.push_back(field);
      continue;
    }
    if (*one->second != kNone) fail_input("{}:{}: two columns called {}", name, header.line, in_quotes(field));
    *one->second = c;
  }
  for (const auto& [title, column] : {known[0], known[1]})
    if (*column == kNone)
      fail_input("{}:{}: no column {}: expected path, label and perhaps split and group, it has {}", name, header.line,
                 title, short_list(columns.all));
  return columns;
}

}  // namespace

std::vector<TableRow> read_table(const std::string& text, char separator, const std::string& name) {
  std::vector<TableRow> rows;
  FieldReader reader(text, separator, name);
  while (!reader.ended()) {
    TableRow row{reader.line(), {}};
    do row.fields.push_back(reader.read());
    while (!reader.ends_row());
    if (row.fields.size() == 1 && row.fields[0].empty()) continue;
    if (!rows.empty() && row.fields.size() != rows[0].fields.size())
      fail_input("{}:{}: {} fields: expected {}, as in the first line", name, row.line, row.fields.size(),
                 rows[0].fields.size());
    rows.push_back(std::move(row));
  }
  return rows;
}

TableSource::TableSource(const std::string& source, Content content)
    : ImageList(source, std::move(content.entries)), groups_(std::move(content.groups)) {
  classes_ = std::move(content.classes.classes);
  naming_ = std::move(content.classes.naming);
  oddities_ = std::move(content.oddities);
}

TableSource TableSource::load(const fs::path& path, const fs::path& root, const std::optional<std::string>& split,
                              const ExpectedClasses& expected) {
  const std::string source = path.string();
  const char separator = path.extension() == ".tsv" ? '\t' : ',';
  const std::vector<TableRow> rows = read_table(read_text(path), separator, source);
  if (rows.size() < 2) fail_input("{}: the table is empty: expected a line of column names, and images", source);
  const Columns columns = columns_in(rows[0], source);
  if (split && columns.split == kNone)
    fail_input("{}: no column split, and the split {} is asked for", source, in_quotes(*split));
  const fs::path base = root.empty() ? folder_of(path) : root;
  Content content;
  LabelWords words;
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const auto& [line, fields] = rows[r];
    if (split && fields[columns.split] != *split) continue;
    if (fields[columns.path].empty() || on_one_line(fields[columns.path]) != fields[columns.path])
      fail_input("{}:{}: no path, or one that is not a line", source, line);
    content.entries.push_back({(base / fields[columns.path]).string(), 0, line});
    words.add(fields[columns.label]);
    if (columns.group != kNone) content.groups.push_back(fields[columns.group]);
  }
  if (content.entries.empty()) fail_input("{}: no image of the split {}", source, in_quotes(split.value_or("")));
  content.classes =
      class_labels(source, words, false, ClassNames::read({folder_of(path), base}, expected.number), expected,
                   [&](std::size_t i) { return fmt::format("{}:{}", source, content.entries[i].line); });
  for (std::size_t i = 0; i < content.entries.size(); ++i) content.entries[i].label = content.classes.labels[i];
  if (!columns.unread.empty())
    content.oddities.push_back(fmt::format("{}: columns that are not read: {}", source, short_list(columns.unread)));
  return {source, std::move(content)};
}

}  // namespace tandem
