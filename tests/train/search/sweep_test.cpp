// Sweeps as the program runs them.

#include <fstream>

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using namespace test;

/// tandem-train --sweep on a tiny run's config.
class TinySweep {
 public:
  /// The sweep file's parameters, and its other keys, as JSON.
  explicit TinySweep(const std::string& parameters, const std::string& more = "{}") {
    nlohmann::json sweep = nlohmann::json::parse(more);
    sweep["config"] = run.path("config.json");
    sweep["output"] = run.path("sweep");
    sweep["parameters"] = nlohmann::json::parse(parameters);
    run.dir().write("sweep.json", sweep.dump());
  }

  Program start(std::vector<std::string> more = {}) const {
    std::vector<std::string> argv = {"tandem-train", "--sweep", run.path("sweep.json"), "--set", "train.epochs=2"};
    argv.insert(argv.end(), more.begin(), more.end());
    return Program(std::move(argv));
  }
  Outcome sweep(std::vector<std::string> more = {}) const { return start(std::move(more)).wait(); }
  nlohmann::json results() const { return nlohmann::json::parse(read_file(run.path("sweep/results.json"))); }

  TinyRun run;
};

TEST_CASE("a sweep trains each trial as tandem-train would, and ranks them", "[slow]") {
  const TinySweep s(R"({"optimizer.lr": [0.01, 1000, 0.001], "optimizer.nesterov": [true]})");
  const Outcome outcome = s.sweep();
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(has_part(outcome.error, "trial 3 of 3: optimizer.lr=0.001 optimizer.nesterov=true"));
  const nlohmann::json results = s.results();
  REQUIRE(results.size() == 3);
  CHECK(results[0]["best"] >= results[1]["best"]);
  CHECK(results[2]["trial"] == 2);  // diverged
  CHECK(results[2]["status"] == "failed");
  CHECK(has_part(results[2]["problem"], "not a finite number"));
  CHECK(has_part(outcome.error, "the best trial's model: "));
  s.run.must_train({"train.epochs=2", "optimizer.lr=0.001", s.run.output("alone")});
  check_same_run(s.run, "alone", "sweep/trial-0003");
}

TEST_CASE("a sweep that is stopped goes on where it was", "[slow]") {
  const TinySweep s(R"({"optimizer.lr": [0.01, 0.02, 0.005]})");
  {
    Program program = s.start();
    REQUIRE(program.wait_until([&] { return std::filesystem::exists(s.run.last("sweep/trial-0002")); }));
    program.kill(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
  }
  const auto first = snapshot(s.run.path("sweep/trial-0001"));
  check_refused(s.sweep(), "holds a sweep already; --resume continues it");
  check_refused(s.sweep({"--resume", "--set", "seed=7"}), "cannot resume: /config/seed is not as it was");
  const Outcome outcome = s.sweep({"--resume"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(s.results().size() == 3);
  CHECK(snapshot(s.run.path("sweep/trial-0001")) == first);
  CHECK_FALSE(has_part(outcome.error, "trial 1 of 3"));
  s.run.must_train({"train.epochs=2", "optimizer.lr=0.02", s.run.output("alone")});
  check_same_run(s.run, "alone", "sweep/trial-0002");
}

TEST_CASE("a trial below the median ends early") {
  // What is ranked is the loss of the training, which is larger where it weighs more, and hardly falls at this rate.
  const TinySweep s(R"({"loss.softmax.weight": [0.5, 5]})",
                    R"({"prune": {"after_epochs": 1, "after_trials": 1}, "figure": "loss.total"})");
  const Outcome outcome = s.sweep({"--set", "optimizer.lr=0.00001"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  const nlohmann::json results = s.results();
  CHECK(results[0]["trial"] == 1);
  CHECK(results[0]["status"] == "done");
  CHECK(results[0]["figures"].size() == 2);
  CHECK(results[1]["status"] == "pruned");
  CHECK(results[1]["figures"].size() == 1);
  CHECK(results[1]["figures"][0] > results[0]["figures"][0]);
}

TEST_CASE("a sweep is checked before anything is trained") {
  const TinySweep s(R"({"optimizer.lr": [0.01, -1]})");
  check_refused(s.sweep(), "--set optimizer.lr=-1: /optimizer/lr: got -1");
  CHECK_FALSE(std::filesystem::exists(s.run.path("sweep")));
  const TinySweep dry(R"({"optimizer.lr": [0.01, 0.1]})");
  const Outcome outcome = dry.sweep({"--dry-run"});
  CHECK(outcome.status == 0);
  CHECK(has_part(outcome.error, "trial 2 of 2: optimizer.lr=0.1\n"));
  CHECK_FALSE(std::filesystem::exists(dry.run.path("sweep")));
  check_refused(dry.sweep({"--set", "data.eval=null"}), "/data/eval is missing");
  check_refused(dry.sweep({"--set", "train.max_time=1h"}), "/train/max_time: expected null");
  check_refused(TinySweep(R"({"ema": [{}, null]})").sweep(), "/figure: the best epoch is not named by the same");
}

}  // namespace
}  // namespace tandem
