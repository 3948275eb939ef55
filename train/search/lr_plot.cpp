#include <algorithm>
#include <cmath>

#include "train/search/find_lr.h"

namespace tandem {
namespace {

// Pixels.
constexpr double kWidth = 640, kHeight = 400, kLeft = 60, kRight = 20, kTop = 40, kBottom = 50;

/// From a rate and a loss to a place in the picture.
class Axes {
 public:
  explicit Axes(const std::vector<LrTrial>& trials) {
    if (trials.empty()) return;
    first_ = std::floor(std::log10(trials.front().lr));
    last_ = std::max(std::ceil(std::log10(trials.back().lr)), first_ + 1);
    low_ = high_ = trials.front().smoothed;
    for (const LrTrial& t : trials) {
      low_ = std::min(low_, t.smoothed);
      high_ = std::max(high_, t.smoothed);
    }
    // A loss that diverges would press the rest flat.
    high_ = std::min(high_, low_ + 2 * (trials.front().smoothed - low_) + 1e-3);
    if (high_ <= low_) high_ = low_ + 1;
  }

  double x(double lr) const { return kLeft + (std::log10(lr) - first_) / (last_ - first_) * (kWidth - kLeft - kRight); }
  double y(double loss) const {
    return kTop + (high_ - std::clamp(loss, low_, high_)) / (high_ - low_) * (kHeight - kTop - kBottom);
  }
  double first() const { return first_; }
  double last() const { return last_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  double first_ = -6, last_ = 1;  // powers of ten
  double low_ = 0, high_ = 1;     // losses
};

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2, style);
}

std::string text(double x, double y, const char* anchor, const std::string& words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, words);
}

std::string grid(const Axes& axes) {
  constexpr const char* kGrey = "stroke=\"#dddddd\"";
  constexpr int kLines = 5;
  std::string svg;
  for (double power = axes.first(); power <= axes.last(); ++power) {
    const double x = axes.x(std::pow(10, power));
    svg += line(x, kTop, x, kHeight - kBottom, kGrey) +
           text(x, kHeight - kBottom + 18, "middle", fmt::format("1e{:.0f}", power));
  }
  for (int i = 0; i < kLines; ++i) {
    const double loss = axes.low() + (axes.high() - axes.low()) * i / (kLines - 1);
    svg += line(kLeft, axes.y(loss), kWidth - kRight, axes.y(loss), kGrey) +
           text(kLeft - 6, axes.y(loss) + 4, "end", fmt::format("{:.3g}", loss));
  }
  return svg;
}

}  // namespace

std::string lr_plot(const std::vector<LrTrial>& trials, const std::optional<LrSuggestion>& suggestion) {
  const Axes axes(trials);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kWidth, kHeight);
  svg += grid(axes);
  svg += text(kLeft, 22, "start", "Smoothed loss by learning rate");
  svg += text((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", "learning rate");
  std::string points;
  for (const LrTrial& t : trials) points += fmt::format("{:.1f},{:.1f} ", axes.x(t.lr), axes.y(t.smoothed));
  svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\"/>\n", points);
  if (suggestion) {
    const double x = axes.x(suggestion->steepest);
    svg += line(x, kTop, x, kHeight - kBottom, "stroke=\"#d62728\" stroke-dasharray=\"4 3\"") +
           text(x - 4, kTop + 14, "end", fmt::format("falls fastest: {:.1e}", suggestion->steepest));
  }
  return svg + "</svg>\n";
}

}  // namespace tandem
