#pragma once
// What a run shows while it goes: on a terminal one line that is drawn again and again, elsewhere a plain line now and
// then.

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "layers/losses/training_loss.h"

namespace tandem {

/// "4:05", "1:00:30".
std::string duration_text(double seconds);

/// A finished step.
struct ProgressStep {
  int epoch = 0;  ///< From 1.
  int epochs = 0;
  std::int64_t step = 0;   ///< Within the epoch, from 1.
  std::int64_t steps = 0;  ///< Of the epoch.
  int images = 0;          ///< Trained by this step.
  LossValues losses;
};

class Progress {
 public:
  struct Output {
    bool terminal = false;
    std::function<int()> width;  ///< Columns, asked before each drawing. Terminal only.
  };

  /// Keeps a reference to `out`.
  Progress(std::ostream& out, Output output) : out_(out), output_(std::move(output)) {}
  /// What standard error is.
  static Output standard_error();

  /// Shows a finished step, or not: a terminal is redrawn up to ten times a second; a plain line is printed for the
  /// first step, then at most every 10 s, when a tenth of an epoch is done or a minute has passed.
  /// `now` is in seconds, of any clock that does not go back.
  void step(const ProgressStep& step, double now);
  /// Prints a whole line, such as an epoch's result.
  void line(std::string_view text);
  /// The time until the next step is not training's (an evaluation, a checkpoint), and does not count.
  void pause() { previous_.reset(); }
  /// Removes the progress line. Call before anything else prints.
  void clear();

 private:
  void measure(const ProgressStep& step, double now);
  bool is_due(const ProgressStep& step, double now);
  std::string text(const ProgressStep& step, std::size_t width) const;

  std::ostream& out_;
  Output output_;
  bool drawn_ = false;              ///< A progress line is on the terminal.
  std::optional<double> shown_;     ///< When a step was last shown.
  std::int64_t tenth_ = 0;          ///< Of which tenth of which epoch that was.
  std::optional<double> previous_;  ///< When the last step ended.

  // Moving averages; nothing before the first value.
  std::optional<double> step_seconds_;
  std::optional<LossValues> losses_;
};

}  // namespace tandem
