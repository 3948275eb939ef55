#include "train/loop/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace tandem {
namespace {

constexpr double kRedraw = 0.1;  // Seconds between drawings on a terminal.
constexpr double kPlain = 10;    // Seconds between plain lines, at least.
constexpr double kSilence = 60;  // Seconds without a plain line, at most (a step may take longer).

void average(double& mean, double value) {
  constexpr double kShare = 0.1;
  // A loss that was not finite once would stay so for ever.
  mean = std::isfinite(mean) ? mean + kShare * (value - mean) : value;
}

std::string bar(double done, std::size_t width) {
  const auto filled = static_cast<std::size_t>(std::llround(done * static_cast<double>(width)));
  return fmt::format("[{:-<{}}]", std::string(std::min(filled, width), '='), width);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto s = std::llround(std::min(seconds, 1e9));
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Progress::Output Progress::standard_error() {
  const char* term = std::getenv("TERM");
  Output output;
  output.terminal = ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
  output.width = [] {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? int{size.ws_col} : 80;
  };
  return output;
}

void Progress::step(const ProgressStep& step, double now) {
  measure(step, now);
  if (!is_due(step, now)) return;
  if (output_.terminal) {
    // One column stays free: a terminal may begin a new line when the last one is written.
    out_ << '\r' << text(step, static_cast<std::size_t>(std::max(2, output_.width()) - 1)) << "\x1b[K" << std::flush;
    drawn_ = true;
  } else {
    out_ << text(step, 0) << std::endl;
  }
}

void Progress::line(std::string_view text) {
  clear();
  out_ << text << std::endl;
}

void Progress::clear() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

void Progress::measure(const ProgressStep& step, double now) {
  if (previous_) {
    if (!step_seconds_) step_seconds_ = now - *previous_;
    average(*step_seconds_, now - *previous_);
  }
  previous_ = now;
  if (!losses_) losses_ = step.losses;
  average(losses_->total, step.losses.total);
  for (std::size_t i = 0; i < losses_->terms.size(); ++i) average(losses_->terms[i].value, step.losses.terms[i].value);
}

bool Progress::is_due(const ProgressStep& step, double now) {
  const std::int64_t tenth = step.epoch * 10 + step.step * 10 / std::max<std::int64_t>(1, step.steps);
  if (shown_) {
    const double passed = now - *shown_;
    const bool due = output_.terminal ? passed >= kRedraw || step.step == step.steps
                                      : passed >= kSilence || (passed >= kPlain && tenth != tenth_);
    if (!due) return false;
  }
  shown_ = now;
  tenth_ = tenth;
  return true;
}

/// The most important parts, as many as fit in `width` columns; all of them where the width is 0.
std::string Progress::text(const ProgressStep& step, std::size_t width) const {
  const double left = static_cast<double>((step.epochs - step.epoch) * step.steps + step.steps - step.step);
  const bool timed = step_seconds_ && *step_seconds_ > 0;
  constexpr std::size_t kShortestBar = 10;
  constexpr std::size_t kLongestBar = 30;

  struct Part {
    std::string text;
    int importance;
  };
  std::vector<Part> parts = {{fmt::format("epoch {}/{} step {}/{}", step.epoch, step.epochs, step.step, step.steps), 6},
                             {width > 0 ? std::string(kShortestBar + 2, ' ') : "", 2},  // Keeps the bar's place.
                             {fmt::format("loss {:.4f}", losses_->total), 5},
                             {fmt::format("({})", summary(*losses_)), 1},
                             {timed ? fmt::format("{:.1f} images/s", step.images / *step_seconds_) : "", 3},
                             {timed ? duration_text(left * *step_seconds_) + " left" : "", 4}};
  std::erase_if(parts, [](const Part& part) { return part.text.empty(); });

  const auto columns = [&] {
    std::size_t sum = parts.size() - 1;
    for (const Part& part : parts) sum += part.text.size();
    return sum;
  };
  const auto less = [](const Part& a, const Part& b) { return a.importance < b.importance; };
  while (width > 0 && parts.size() > 1 && columns() > width)
    parts.erase(std::min_element(parts.begin(), parts.end(), less));
  for (Part& part : parts)
    if (part.importance == 2)
      part.text = bar(static_cast<double>(step.step) / static_cast<double>(std::max<std::int64_t>(1, step.steps)),
                      std::min(kLongestBar, kShortestBar + width - columns()));

  std::string text;
  for (const Part& part : parts) text += (text.empty() ? "" : " ") + part.text;
  return width > 0 ? text.substr(0, width) : text;
}

}  // namespace tandem
