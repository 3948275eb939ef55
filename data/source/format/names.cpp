#include "data/source/format/names.h"

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "data/list/class_names.h"

namespace tandem {
namespace {

constexpr std::size_t kMostNames = 100000;

/// The texts between a pair of braces: those of a range, or those parted by commas.
std::vector<std::string> texts_in(const std::string& inside, const std::string& name) {
  std::vector<std::string> texts;
  if (const std::size_t dots = inside.find(".."); dots != std::string::npos) {
    const std::string low = inside.substr(0, dots), high = inside.substr(dots + 2);
    const auto first = number_in(low), last = number_in(high);
    if (!first || !last || *first < 0 || *first > *last)
      fail_input("{}: {{{}}}: expected a range of numbers such as {{000..009}}", name, inside);
    if (static_cast<std::size_t>(*last - *first) >= kMostNames)
      fail_input("{}: {{{}}}: expected at most {} names", name, inside, kMostNames);
    const std::size_t digits = low.size() > 1 && low[0] == '0' ? std::max(low.size(), high.size()) : 0;
    for (std::int32_t n = *first; n <= *last; ++n) texts.push_back(fmt::format("{:0{}}", n, digits));
    return texts;
  }
  for (std::size_t begin = 0;;) {
    const std::size_t comma = inside.find(',', begin);
    texts.push_back(inside.substr(begin, comma - begin));
    if (comma == std::string::npos) return texts;
    begin = comma + 1;
  }
}

}  // namespace

std::string on_one_line(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return name;
}

std::vector<std::string> expand_braces(const std::string& name) {
  const std::size_t open = name.find('{');
  if (open == std::string::npos) return {name};
  const std::size_t close = name.find('}', open), again = name.find('{', open + 1);
  if (close == std::string::npos || again < close)
    fail_input("{}: braces that are not closed or lie within one another: expected {{000..009}} or {{a,b}}", name);
  std::vector<std::string> names;
  const std::vector<std::string> rests = expand_braces(name.substr(close + 1));
  for (const std::string& text : texts_in(name.substr(open + 1, close - open - 1), name))
    for (const std::string& rest : rests) {
      if (names.size() == kMostNames) fail_input("{}: expected at most {} names", name, kMostNames);
      names.push_back(fmt::format("{}{}{}", name.substr(0, open), text, rest));
    }
  return names;
}

}  // namespace tandem
