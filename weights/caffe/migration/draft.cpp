#include "weights/caffe/migration/draft.h"

#include <fmt/ranges.h>

#include <cmath>
#include <map>

#include "core/base/utf8.h"
#include "weights/content.h"

namespace tandem {

std::string config_text(const std::string& text) { return is_utf8(text) ? text : printable(text); }

void CaffeNotes::add(CaffeFinding::Kind kind, const std::vector<Prototxt::Step>& at, const std::string& what) {
  draft_.findings.push_back({kind, text_.path().filename().string(), text_.line(at), printable(what)});
}

void CaffeNotes::list_unknown() {
  constexpr std::size_t kMost = 5;
  std::map<std::string, std::vector<int>> lines;
  for (const UnknownField& field : text_.unknown()) lines[field.name].push_back(field.line);
  for (auto& [name, all] : lines) {
    std::string more;
    if (all.size() > 1) {
      const std::size_t shown = std::min(all.size(), kMost);
      more = fmt::format(" ({} times, on lines {}{})", all.size(),
                         fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                         shown < all.size() ? ", ..." : "");
    }
    draft_.findings.push_back(
        {CaffeFinding::Kind::missing, text_.path().filename().string(), all.front(), name + more});
  }
}

double CaffeNotes::number(float value, const char* what) const {
  if (!std::isfinite(value)) refuse_file(text_.path(), "{} is {}, expected a number", what, value);
  return std::stod(fmt::format("{}", value));
}

}  // namespace tandem
