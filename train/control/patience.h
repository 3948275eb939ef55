#pragma once
// How long a figure has not become better. Kept in checkpoints.

#include <optional>
#include <string>

namespace tandem {

struct Patience {
  std::string of;              ///< which figure, and what is better: Figure::text() of train/control/figure.h
  std::optional<double> best;  ///< so far
  int epochs = 0;              ///< in a row that were not better

  bool operator==(const Patience&) const = default;
};

}  // namespace tandem
