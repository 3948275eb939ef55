#include "train/search/find_lr.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "io/atomic_file.h"
#include "train/loop/interrupt.h"
#include "train/loop/run_start.h"

namespace tandem {
namespace {

constexpr double kFirst = 1e-6, kLast = 10, kKeep = 0.9, kDiverged = 4;
constexpr int kSteps = 100;

/// What became of the steps: fewer than there are rates if the loss diverged before.
std::vector<LrTrial> train_with(const std::vector<double>& rates, Session& session, const RunState& state,
                                const InterruptScope& interrupt, std::ostream& out) {
  PairLoader batches = session.make_loader(0, static_cast<std::int64_t>(rates.size()));
  StepExecutor steps = session.make_steps(state);
  std::vector<LrTrial> trials;
  double lowest = std::numeric_limits<double>::infinity();
  for (const double lr : rates) {
    if (interrupt.interrupted()) break;
    steps.load(batches);
    try {
      steps.submit(lr, static_cast<std::int64_t>(trials.size()) + 1);
      steps.finish([&](const LossValues& losses) { trials.push_back({lr, losses.total, 0}); });
    } catch (const NotFinite&) {
      break;
    }
    smooth(trials);
    const double loss = trials.back().smoothed;
    lowest = std::min(lowest, loss);
    out << fmt::format("step {}/{}  rate {:.2e}  loss {:.4f}\n", trials.size(), rates.size(), lr, loss) << std::flush;
    if (loss > kDiverged * lowest) break;
  }
  return trials;
}

}  // namespace

std::vector<double> rising_rates(double first, double last, int count) {
  std::vector<double> rates;
  rates.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) rates.push_back(first * std::pow(last / first, static_cast<double>(i) / (count - 1)));
  return rates;
}

void smooth(std::vector<LrTrial>& trials) {
  double mean = 0, kept = 1;
  for (LrTrial& trial : trials) {
    mean = kKeep * mean + (1 - kKeep) * trial.loss;
    kept *= kKeep;
    trial.smoothed = mean / (1 - kept);
  }
}

std::optional<LrSuggestion> suggest(const std::vector<LrTrial>& trials) {
  if (trials.size() < 3) return {};
  const auto lowest = std::min_element(trials.begin(), trials.end(),
                                       [](const LrTrial& a, const LrTrial& b) { return a.smoothed < b.smoothed; });
  std::optional<LrSuggestion> suggestion;
  double steepest = 0;
  for (std::size_t i = 1; i + 1 < trials.size() && trials[i].lr <= lowest->lr; ++i) {
    const double slope =
        (trials[i + 1].smoothed - trials[i - 1].smoothed) / std::log(trials[i + 1].lr / trials[i - 1].lr);
    if (slope >= steepest) continue;
    steepest = slope;
    suggestion = {trials[i].lr, lowest->lr};
  }
  return suggestion;
}

int find_lr(const Config& config, const std::string& svg, std::ostream& out) {
  const std::filesystem::path folder = std::filesystem::absolute(svg).parent_path();
  check_writable_folder(folder);
  Session session(with_architecture(config, false, out));
  const RunState state = begin_anew(session, out);
  out << session.description() << std::flush;
  const InterruptScope interrupt;
  const std::vector<LrTrial> trials = train_with(rising_rates(kFirst, kLast, kSteps), session, state, interrupt, out);
  if (interrupt.interrupted()) {
    out << "interrupted; nothing was written\n";
    return 130;
  }
  const auto suggestion = suggest(trials);
  require_writable_folder(folder);
  write_file_atomically(svg, lr_plot(trials, suggestion));
  if (suggestion)
    out << fmt::format("the loss falls fastest at a rate of {:.1e} and is lowest at {:.1e}: try optimizer.lr={:.1e}\n",
                       suggestion->steepest, suggestion->lowest, suggestion->steepest);
  else
    out << "the loss does not fall at any rate: no suggestion\n";
  out << "the plot: " << svg << '\n';
  return 0;
}

}  // namespace tandem
