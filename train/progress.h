#pragma once
// What a run shows while it goes: one line that rewrites itself on a terminal, plain lines now and then elsewhere.

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace tandem {

/// A finished step.
struct ProgressStep {
  int epoch = 0;  ///< From 1.
  int epochs = 0;
  std::int64_t step = 0;                           ///< Within the epoch, from 1.
  std::int64_t steps = 0;                          ///< An epoch.
  int images = 0;                                  ///< Trained by this step.
  double total = 0, softmax = 0, contrastive = 0;  ///< Losses; softmax is the mean of both towers'.
};

class Progress {
 public:
  struct Output {
    bool terminal = false;
    std::function<int()> width;  ///< Columns; asked before each line. Terminal only.
  };

  explicit Progress(std::ostream& out, Output output);
  /// Standard error's kind: a terminal of some width, or not.
  static Output standard_error();

  /// Shows a finished step. `now` is seconds on any clock that does not go back; rates are taken between calls.
  void step(const ProgressStep& step, double now);
  /// Prints a line of its own (an epoch's result), above the progress line.
  void line(std::string_view text);
  /// Forgets the clock: the time since the last step (an evaluation, a checkpoint) was not training.
  void pause();
  /// Removes the progress line. Call before anything else prints.
  void clear();

 private:
  std::string text(const ProgressStep& step, int width) const;

  std::ostream& out_;
  Output output_;
  bool drawn_ = false;                                ///< A progress line is on the terminal.
  double shown_at_ = -1e9;                            ///< When the last line was shown.
  std::int64_t tenth_ = -1;                           ///< Of the epoch, when the last plain line was printed.
  double previous_ = -1;                              ///< When the last step was; negative: not known.
  double step_seconds_ = 0;                           ///< Smoothed; 0: not known.
  double total_ = 0, softmax_ = 0, contrastive_ = 0;  ///< Smoothed.
  bool first_ = true;
};

}  // namespace tandem
