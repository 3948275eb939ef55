#pragma once
// How a config names a figure that is logged at the end of each epoch, and what is better of it.

#include <optional>
#include <string>

#include "core/base/option_keys.h"

namespace tandem {

struct FigureOptions {
  enum class Mode { max, min };

  std::optional<std::string>
      figure;                ///< "eval.top1": its place in the epoch's line of metrics.jsonl. Absent: the usual.
  std::optional<Mode> mode;  ///< Whether more is better, or less. Absent: less of a loss, more of all others.

  bool operator==(const FigureOptions&) const = default;
};

constexpr auto enum_names(FigureOptions::Mode) {
  using enum FigureOptions::Mode;
  return std::to_array<EnumName<FigureOptions::Mode>>({{max, "max"}, {min, "min"}});
}

template <class Keys, Of<FigureOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("figure", c.figure);
  keys("mode", c.mode);
}

/// The config's "train.early_stopping".
struct EarlyStoppingOptions {
  FigureOptions watched;
  int patience = 10;     ///< After so many epochs in a row that are not better, the run ends.
  double min_delta = 0;  ///< By more than this an epoch must be better to count.

  bool operator==(const EarlyStoppingOptions&) const = default;
};

template <class Keys, Of<EarlyStoppingOptions> C>
void visit_keys(Keys& keys, C& c) {
  visit_keys(keys, c.watched);
  keys("patience", c.patience, Range{1, 1e6});
  keys("min_delta", c.min_delta, Range{0, 1e6});
}

}  // namespace tandem
