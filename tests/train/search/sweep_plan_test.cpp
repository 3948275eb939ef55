#include "train/search/sweep_plan.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/errors.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using Settings = std::vector<std::string>;

SweepPlan plan_of(const std::string& parameters, const std::string& more = "") {
  return parse_sweep(R"({"config": "c.json", "output": "out", "parameters": )" + parameters + more + "}", "s.json");
}

/// The values drawn for one key, in the order of the trials.
std::vector<double> drawn(const std::string& values, int trials) {
  const SweepPlan plan =
      plan_of(R"({"optimizer.lr": )" + values + "}", fmt::format(R"(, "method": "random", "trials": {})", trials));
  std::vector<double> numbers;
  for (const Trial& trial : plan.trials) {
    REQUIRE(trial.settings.size() == 1);
    REQUIRE(trial.settings[0].rfind("optimizer.lr=", 0) == 0);
    numbers.push_back(nlohmann::json::parse(trial.settings[0].substr(13)));
  }
  return numbers;
}

/// The share of `numbers` that lies below `limit`.
double share_below(const std::vector<double>& numbers, double limit) {
  const auto below = std::count_if(numbers.begin(), numbers.end(), [&](double x) { return x < limit; });
  return static_cast<double>(below) / static_cast<double>(numbers.size());
}

TEST_CASE("a grid has every combination once") {
  const SweepPlan plan = plan_of(R"({"optimizer.lr": [0.1, 0.01], "loss.contrastive.margin": [1, 2, 3]})");
  std::vector<Settings> settings;
  for (const Trial& trial : plan.trials) settings.push_back(trial.settings);
  CHECK(settings == std::vector<Settings>{{"loss.contrastive.margin=1", "optimizer.lr=0.1"},
                                          {"loss.contrastive.margin=1", "optimizer.lr=0.01"},
                                          {"loss.contrastive.margin=2", "optimizer.lr=0.1"},
                                          {"loss.contrastive.margin=2", "optimizer.lr=0.01"},
                                          {"loss.contrastive.margin=3", "optimizer.lr=0.1"},
                                          {"loss.contrastive.margin=3", "optimizer.lr=0.01"}});
  CHECK(plan.trials.front().number == 1);
  CHECK(plan.trials.back().number == 6);
}

TEST_CASE("numbers are drawn evenly, by value or by logarithm") {
  constexpr int kTrials = 2000;
  constexpr double kTolerance = 0.04;  // four standard deviations of a share of 2000 draws are 0.045 at most
  const auto linear = drawn(R"({"min": 1, "max": 5})", kTrials);
  for (const double quarter : {2.0, 3.0, 4.0})
    CHECK(std::abs(share_below(linear, quarter) - (quarter - 1) / 4) < kTolerance);
  const auto log = drawn(R"({"min": 1e-4, "max": 1, "scale": "log"})", kTrials);
  for (const int power : {-3, -2, -1})
    CHECK(std::abs(share_below(log, std::pow(10.0, power)) - (power + 4) / 4.0) < kTolerance);
  const auto integers = drawn(R"({"min": 1, "max": 4, "integer": true})", kTrials);
  for (const int n : {1, 2, 3, 4}) {
    const auto count = std::count(integers.begin(), integers.end(), n);
    CHECK(std::abs(static_cast<double>(count) / kTrials - 0.25) < kTolerance);
  }
  for (const auto& [numbers, low, high] : {std::tuple{linear, 1.0, 5.0}, {log, 1e-4, 1.0}, {integers, 1.0, 4.0}}) {
    CHECK(*std::min_element(numbers.begin(), numbers.end()) >= low);
    CHECK(*std::max_element(numbers.begin(), numbers.end()) <= high);
  }
}

TEST_CASE("more trials leave the earlier ones as they are, and another seed changes them") {
  const auto few = drawn("[1, 2, 3, 4, 5, 6, 7, 8]", 20), more = drawn("[1, 2, 3, 4, 5, 6, 7, 8]", 40);
  CHECK(std::equal(few.begin(), few.end(), more.begin()));
  const auto with_seed = [](int seed) {
    const SweepPlan plan = plan_of(R"({"optimizer.lr": {"min": 0, "max": 1}})",
                                   fmt::format(R"(, "method": "random", "trials": 1, "seed": {})", seed));
    return plan.trials[0].settings[0];
  };
  CHECK(with_seed(1) == with_seed(1));
  CHECK(with_seed(1) != with_seed(2));
}

TEST_CASE("what is no sweep is refused where it is wrong") {
  const std::string random = R"(, "method": "random", "trials": 3)";
  const auto refused = [](const std::string& parameters, const std::string& more, const std::string& part) {
    const std::string error = error_of([&] { (void)plan_of(parameters, more); });
    INFO(error << "\nexpected: " << part);
    CHECK((error.rfind("2: s.json", 0) == 0 && contains(error, part)));
  };
  refused("{}", "", "/parameters: missing, expected an object");
  refused("3", "", "/parameters: missing, expected an object");
  refused(R"({"optimizer.lr": []})", "", "/parameters/optimizer.lr: got [], expected a list of values");
  refused(R"({"optimizer.lr": 3})", "", "/parameters/optimizer.lr: got 3, expected a list of values");
  refused(R"({"optimizer.lr": {"min": 1, "max": 2}})", "", "expected a list, since the method is \"grid\"");
  refused(R"({"optimizer.lr": {"min": 1}})", random, "the key \"max\" is missing");
  refused(R"({"optimizer.lr": {"min": 2, "max": 2}})", random, "/max: got 2, expected a number above \"min\"");
  refused(R"({"optimizer.lr": {"min": 0, "max": 2, "scale": "log"}})", random, "expected a number above 0");
  refused(R"({"optimizer.lr": {"min": 0.5, "max": 2, "integer": true}})", random, "must be integers");
  refused(R"({"optimizer.lr": {"min": 1, "max": 2, "base": 2}})", random, "base");
  refused(R"({"output": ["a"]})", "", "/parameters/output: each trial has an output folder of its own");
  refused(R"({"seed": [1]})", R"(, "method": "random")", "/trials: missing");
  refused(R"({"seed": [1]})", R"(, "trials": 3)", "/trials: got 3, expected no such key");
  refused(R"({"seed": [1]})", R"(, "prune": {"after_epochs": 0})", "/prune/after_epochs: got 0");
  refused(R"({"seed": [1]})", R"(, "parameter": {})", "parameter");
  CHECK(contains(error_of([] { (void)parse_sweep(R"({"output": "o", "parameters": {"seed": [1]}})", "s.json"); }),
                 "/config: missing"));
}

}  // namespace
}  // namespace tandem
