#pragma once
// How long a process may train.

#include <optional>
#include <string>
#include <string_view>

#include "core/base/timing.h"

namespace tandem {

class TimeLimit {
 public:
  /// Counts from now. Absent: there is none.
  explicit TimeLimit(std::optional<double> minutes) : minutes_(minutes) {}

  bool is_up() const { return minutes_ && seconds() - begin_ >= 60 * *minutes_; }

 private:
  std::optional<double> minutes_;
  double begin_ = seconds();
};

/// Minutes in "2h30m", "90m", "1d", "45s": whole or decimal numbers of days, hours, minutes and seconds, in this order.
/// Nothing for another text, or for no time.
std::optional<double> parse_minutes(std::string_view text);

}  // namespace tandem
