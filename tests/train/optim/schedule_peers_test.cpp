// The rates of PyTorch's and timm's schedulers, which scripts/evidence/schedules.py wrote down.

#include <algorithm>
#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/tiny_run.h"
#include "train/config/config.h"
#include "train/optim/schedule.h"

namespace tandem {
namespace {

/// The rates of a case by our schedule. An epoch is one step.
std::vector<double> our_rates(const nlohmann::json& peer) {
  const nlohmann::json config = {{"data", {{"train", {{"list", "a"}}}}},
                                 {"schedule", peer.at("schedule")},
                                 {"optimizer", {{"lr", peer.at("lr")}}}};
  const ScheduleOptions options = parse_config(config.dump(), "peer").schedule;
  const double lr = peer.at("lr").get<double>();
  const Schedule schedule(options, lr, static_cast<std::int64_t>(peer.at("rates").size()));
  std::optional<PlateauState> plateau;
  if (peer.contains("figures")) plateau = PlateauState{lr, {}};
  std::vector<double> rates;
  for (std::size_t step = 0; step < peer.at("rates").size(); ++step) {
    rates.push_back(schedule.lr(static_cast<std::int64_t>(step), plateau));
    if (plateau)
      end_epoch(options, options.watched.mode == FigureOptions::Mode::max, peer.at("figures").at(step).get<double>(),
                *plateau);
  }
  return rates;
}

TEST_CASE("every schedule has its peer's rates") {
  const auto cases =
      nlohmann::json::parse(test::read_file(std::string(TANDEM_TEST_DATA) + "/train/optim/fixtures/schedules.json"));
  CHECK(cases.size() == 19);
  for (const auto& [name, peer] : cases.items()) {
    INFO(name);
    const auto expected = peer.at("rates").get<std::vector<double>>();
    const std::vector<double> rates = our_rates(peer);
    REQUIRE(rates.size() == expected.size());
    REQUIRE(rates.size() >= 50);
    for (std::size_t step = 0; step < rates.size(); ++step) {
      INFO("step " << step << ": " << rates[step] << ", expected " << expected[step]);
      REQUIRE(std::abs(rates[step] - expected[step]) <= 1e-9 * expected[step]);
    }
  }
}

TEST_CASE("a figure that is no number is no better one") {
  ScheduleOptions options;
  options.patience = 1;
  PlateauState state{1, {}};
  for (const double figure : {double{NAN}, double{HUGE_VAL}}) end_epoch(options, true, figure, state);
  CHECK(state.rate == Approx(0.1));
  CHECK_FALSE(state.patience.best.has_value());
  end_epoch(options, true, -3, state);
  CHECK(state.patience.best == -3.0);
}

}  // namespace
}  // namespace tandem
