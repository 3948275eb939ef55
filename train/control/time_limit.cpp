#include "train/control/time_limit.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace tandem {

std::optional<double> parse_minutes(std::string_view text) {
  constexpr std::array<std::pair<char, double>, 4> kUnits{{{'d', 1440}, {'h', 60}, {'m', 1}, {'s', 1.0 / 60}}};
  double minutes = 0;
  std::size_t unit = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return {};
    const std::string number(text.substr(0, digits));
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (*end != '\0' || end == number.c_str()) return {};
    while (unit < kUnits.size() && kUnits[unit].first != text[digits]) ++unit;
    if (unit == kUnits.size()) return {};
    minutes += value * kUnits[unit++].second;
    text.remove_prefix(digits + 1);
  }
  if (!std::isfinite(minutes) || minutes <= 0) return {};
  return minutes;
}

}  // namespace tandem
