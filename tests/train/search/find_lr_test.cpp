#include "train/search/find_lr.h"

#include <cmath>

#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using namespace test;

/// Losses over rates as a range test finds them: level, falling fastest at `at`, lowest at `lowest`, then rising.
std::vector<LrTrial> trials_of(double at, double lowest) {
  std::vector<LrTrial> trials;
  for (const double lr : rising_rates(1e-6, 10, 71)) {
    const double fall = 1 / (1 + std::exp(-4 * std::log(lr / at)));
    const double rise = std::max(0.0, std::log(lr / lowest));
    trials.push_back({lr, 3 - 2 * fall + rise, 3 - 2 * fall + rise});
  }
  return trials;
}

TEST_CASE("rates rise by the same factor") {
  const auto rates = rising_rates(1e-4, 1, 5);
  REQUIRE(rates.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(rates[i] == Approx(std::pow(10.0, static_cast<double>(i) - 4)));
}

TEST_CASE("smoothing is a moving average without the weight of its begin") {
  std::vector<LrTrial> trials = {{1, 4, 0}, {2, 4, 0}, {3, 1, 0}};
  smooth(trials);
  CHECK(trials[0].smoothed == Approx(4));
  CHECK(trials[1].smoothed == Approx(4));
  // (0.9 · (0.9 · 0.4 + 0.4) + 0.1) / (1 - 0.9³)
  CHECK(trials[2].smoothed == Approx((0.9 * (0.9 * 0.4 + 0.4) + 0.1) / (1 - 0.729)));
}

TEST_CASE("the suggestion is where the loss falls fastest, below where it is lowest") {
  const auto suggestion = suggest(trials_of(1e-3, 0.1));
  REQUIRE(suggestion);
  CHECK(suggestion->steepest == Approx(1e-3).epsilon(0.2));
  CHECK(suggestion->lowest == Approx(0.1).epsilon(0.3));
  std::vector<LrTrial> rising;
  for (const double lr : rising_rates(1e-6, 1, 20)) rising.push_back({lr, lr, lr});
  CHECK_FALSE(suggest(rising));
  CHECK_FALSE(suggest({}));
}

TEST_CASE("the plot has the course and the suggestion") {
  const auto trials = trials_of(1e-3, 0.1);
  const std::string svg = lr_plot(trials, suggest(trials));
  CHECK(svg.rfind("<svg ", 0) == 0);
  CHECK(has_part(svg, "falls fastest: "));
  CHECK(has_part(svg, ">1e-3</text>"));
  CHECK(std::count(svg.begin(), svg.end(), ',') == 71);
  CHECK_FALSE(has_part(svg, "nan"));
  CHECK_FALSE(has_part(lr_plot({}, {}), "nan"));
  CHECK_FALSE(has_part(lr_plot({{1e-6, 1, 1}}, {}), "nan"));
}

TEST_CASE("tandem-train --find-lr plots until the loss diverges and leaves no run", "[slow]") {
  const TinyRun run;
  const Outcome outcome = run_to_end({"tandem-train", run.path("config.json"), "--find-lr", run.path("lr.svg"), "--set",
                                      "pairs.batch=2", "--set", "pairs.accumulate=2"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(has_part(read_file(run.path("lr.svg")), "</svg>"));
  CHECK(has_part(outcome.error, "the plot: "));
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
  check_refused(run.train({"--find-lr=" + run.path("lr.svg"), "--resume"}), "--resume");
}

}  // namespace
}  // namespace tandem
