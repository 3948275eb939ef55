#include "data/list/text_lines.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "data/list/files.h"

namespace tandem {

std::vector<TextLine> read_text_lines(const std::filesystem::path& path) {
  constexpr std::string_view kBlanks = " \t\r\f\v";
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (file_type_of(path) == std::filesystem::file_type::directory)
    fail_input("{}: is a folder: expected a text file", path.string());
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_input("{}: cannot read the file: {}", path.string(), std::strerror(errno));
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (content.find('\0') != std::string::npos) fail_input("{}: not a text file: expected UTF-8 text", path.string());

  std::vector<TextLine> lines;
  std::string_view rest = content;
  if (rest.substr(0, kByteOrderMark.size()) == kByteOrderMark) rest.remove_prefix(kByteOrderMark.size());
  // Old programs end lines by a carriage return alone.
  const char line_end = content.find('\n') == std::string::npos ? '\r' : '\n';
  for (std::uint32_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find(line_end));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t first = line.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) continue;
    if (!is_utf8(line)) fail_input("{}:{}: not UTF-8", path.string(), number);
    line = line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
    lines.push_back({number, std::string(line)});
  }
  return lines;
}

}  // namespace tandem
