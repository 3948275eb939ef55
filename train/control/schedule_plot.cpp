#include "train/control/schedule_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tandem {
namespace {

constexpr int kColumns = 60, kRows = 8;
constexpr std::int64_t kMostSteps = 500000;  // looked at: more would take long, and show the same

/// The lowest and the highest rate of the steps that share a column.
struct Span {
  double low = HUGE_VAL, high = -HUGE_VAL;
};

struct Curve {
  std::vector<Span> columns{kColumns};
  double highest = -1;
  std::int64_t highest_step = 0;  // the first that has it
};

Curve curve_of(const Schedule& schedule) {
  const std::int64_t total = schedule.total_steps(), stride = std::max<std::int64_t>(1, total / kMostSteps);
  Curve curve;
  const auto look = [&](std::int64_t step) {
    const double lr = schedule.lr(step);
    Span& span = curve.columns[static_cast<std::size_t>(step * kColumns / total)];
    span = {std::min(span.low, lr), std::max(span.high, lr)};
    if (lr <= curve.highest) return;
    curve.highest = lr;
    curve.highest_step = step;
  };
  for (std::int64_t step = 0; step < total; step += stride) look(step);
  // A run with fewer steps than columns: each step is as wide as several.
  for (std::size_t i = 1; i < curve.columns.size(); ++i)
    if (curve.columns[i].low > curve.columns[i].high) curve.columns[i] = curve.columns[i - 1];
  return curve;
}

/// Draws a jump as a line: each column reaches to the one before.
std::vector<Span> joined(const std::vector<Span>& columns) {
  std::vector<Span> all = columns;
  for (std::size_t i = 1; i < columns.size(); ++i) {
    all[i].high = std::max(columns[i].high, columns[i - 1].low);
    all[i].low = std::min(columns[i].low, columns[i - 1].high);
  }
  return all;
}

/// Where a rate stands: 0 at the bottom.
int row_of(double lr, double highest) { return static_cast<int>(std::lround(lr / highest * (kRows - 1))); }

/// "epoch 1       epoch 30", as wide as the plot.
std::string axis(int epochs) {
  const std::string last = fmt::format("epoch {}", epochs);
  return epochs == 1 ? "epoch 1" : fmt::format("epoch 1{:>{}}", last, kColumns - 7);
}

std::string falls_when(const ScheduleOptions& options) {
  return fmt::format(
      "drawn as if it never fell; it falls to {:g} times itself after more than {} epochs that are not better\n",
      options.gamma, options.patience);
}

}  // namespace

std::string plot(const Schedule& schedule, const Epochs& epochs) {
  const Curve curve = curve_of(schedule);
  const std::vector<Span> columns = joined(curve.columns);
  const std::int64_t last = schedule.total_steps() - 1;
  std::string text = fmt::format(
      "learning rate ({}): {:.4g} in the first step, highest {:.4g} in step {} (epoch {}), {:.4g} in the last, step "
      "{}\n",
      enum_name(schedule.options().type), schedule.lr(0), curve.highest, curve.highest_step + 1,
      epochs.of_step(curve.highest_step) + 1, schedule.lr(last), last + 1);
  if (schedule.options().type == ScheduleOptions::Type::plateau) text += falls_when(schedule.options());
  for (int row = kRows - 1; row >= 0; --row) {
    std::string line;
    for (const Span& span : columns)
      line += row_of(span.low, curve.highest) <= row && row <= row_of(span.high, curve.highest) ? '*' : ' ';
    line.erase(line.find_last_not_of(' ') + 1);
    const double lr = curve.highest * row / (kRows - 1);
    const bool labelled = row == kRows - 1 || row == 0;
    text += fmt::format("{:>10} |{}\n", labelled ? fmt::format("{:.4g}", lr) : "", line);
  }
  return text + fmt::format("{:>10} +{}\n{:>12}{}\n", "", std::string(kColumns, '-'), "", axis(epochs.count()));
}

}  // namespace tandem
