#include "weights/caffe/migration/draft.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "core/base/utf8.h"
#include "weights/content.h"

namespace tandem {

std::string config_text(const std::string& text) { return is_utf8(text) ? text : printable(text); }

void CaffeNotes::add(CaffeFinding::Kind kind, const std::vector<Prototxt::Step>& at, const std::string& what) {
  draft_.findings.push_back({kind, text_.path().filename().string(), text_.line(at), printable(what)});
}

void CaffeNotes::add_lines(CaffeFinding::Kind kind, std::vector<int> lines, const std::string& what) {
  constexpr std::ptrdiff_t kMost = 5;
  if (lines.empty()) return;
  std::sort(lines.begin(), lines.end());
  std::string more;
  if (lines.size() > 1) {
    const auto shown = std::min(std::ssize(lines), kMost);
    more = fmt::format(" ({} times, on lines {}{})", lines.size(),
                       fmt::join(lines.begin(), lines.begin() + shown, ", "), shown < std::ssize(lines) ? ", ..." : "");
  }
  draft_.findings.push_back({kind, text_.path().filename().string(), lines.front(), printable(what) + more});
}

void CaffeNotes::add_all(CaffeFinding::Kind kind, const std::vector<std::vector<Prototxt::Step>>& places,
                         const std::string& what) {
  std::vector<int> lines;
  lines.reserve(places.size());
  for (const auto& place : places) lines.push_back(text_.line(place));
  add_lines(kind, std::move(lines), what);
}

void CaffeNotes::list_unknown() {
  std::map<std::string, std::vector<int>> lines;
  for (const UnknownField& field : text_.unknown()) lines[field.name].push_back(field.line);
  for (const auto& [name, all] : lines) add_lines(CaffeFinding::Kind::missing, all, name);
}

double CaffeNotes::number(float value, const char* what) const {
  if (!std::isfinite(value)) refuse_file(text_.path(), "{} is {}, expected a number", what, value);
  return std::stod(fmt::format("{}", value));
}

}  // namespace tandem
