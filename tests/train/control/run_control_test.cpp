// How a run ends before its last epoch, what it calls its best, and that all of it resumes to the same bits.

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <thread>

#include "tests/support/same_run.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_refused;
using test::check_same_run;
using test::has_part;
using test::Outcome;
using test::TinyRun;
using test::with;

/// The ends of epochs.
std::vector<nlohmann::json> epochs_of(const TinyRun& run, const std::string& folder = "run") {
  std::vector<nlohmann::json> epochs;
  for (const auto& event : run.metrics(folder))
    if (event.at("event") == "epoch") epochs.push_back(event);
  return epochs;
}

/// So small a rate that no weight changes: the evaluation stays what it is.
const std::vector<std::string> kFrozen = {"optimizer.lr=1e-30", "optimizer.momentum=0", "optimizer.nesterov=false",
                                          "optimizer.weight_decay=0"};

TEST_CASE("a run whose time is up is saved, ends well, and comes to the same when it is resumed", "[slow]") {
  const TinyRun run;
  const std::vector<std::string> overrides = {"train.epochs=2"};
  run.must_train(with(overrides, {run.output("whole")}));
  int processes = 0;
  const auto is_done = [&](const Outcome& outcome) { return has_part(outcome.error, "done: "); };
  for (bool done = false; !done; ++processes) {
    REQUIRE(processes < 6);
    // Each process makes one step at least, and here no more.
    const Outcome outcome = run.must_train(with(overrides, {run.output("timed"), "train.max_time=1e-9", "--resume"}));
    done = is_done(outcome);
    if (done) continue;
    const std::string step = std::to_string(processes + 1);
    CHECK(has_part(outcome.error, "the time is up after step " + step +
                                      " of 5: train.max_time is 0:00; the run so far is in " + run.last("timed") +
                                      ", --resume gives it as long again\n"));
    CHECK(test::state_of(run.last("timed")).at("step") == processes + 1);
  }
  CHECK(processes == 5);
  check_same_run(run, "whole", "timed");
}

TEST_CASE("a run whose time is up evaluates if it is asked, and the line goes when it is resumed") {
  const TinyRun run;
  run.must_train({"train.epochs=1", run.output("whole")});
  const Outcome outcome =
      run.must_train({"train.epochs=1", run.output("timed"), "train.max_time=1e-9", "train.evaluate_at_max_time=true"});
  CHECK(has_part(outcome.error, "after step 1: top-1 "));
  const std::string log = test::read_file(run.metrics_file("timed"));
  CHECK(has_part(log, R"({"event":"stop","step":1,"eval":{"top1":)"));
  CHECK_FALSE(std::filesystem::exists(run.best("timed")));
  run.must_train({"train.epochs=1", run.output("timed"), "--resume"});
  check_same_run(run, "whole", "timed");
}

TEST_CASE("a run stops early, is done, and goes on when it is given more patience", "[slow]") {
  const TinyRun run;
  const std::vector<std::string> overrides = with(kFrozen, {"train.epochs=5", "schedule.type=constant"});
  const std::string figure = R"(train.early_stopping={"figure":"loss.total","mode":"max","min_delta":1000,"patience":)";
  run.must_train(with(overrides, {run.output("whole"), figure + "3}"}));
  const Outcome stopped = run.must_train(with(overrides, {run.output("stopped"), figure + "2}"}));
  INFO(stopped.error);
  // The first epoch is better than none.
  CHECK(has_part(stopped.error, "stopped early after epoch 3 of 5: loss.total has not been better than "));
  CHECK(has_part(stopped.error, " by 1000 for 2 epochs (train.early_stopping)\ndone: " + run.best("stopped") + "\n"));
  CHECK(epochs_of(run, "stopped").size() == 3);
  CHECK(test::state_of(run.last("stopped")).at("step") == 8);
  // It has stopped: there is nothing to go on with.
  const auto before = test::snapshot(run.path("stopped/checkpoints"));
  const Outcome again = run.must_train(with(overrides, {run.output("stopped"), figure + "2}", "--resume"}));
  CHECK(has_part(again.error, "stopped early after epoch 3 of 5: "));
  CHECK(test::snapshot(run.path("stopped/checkpoints")) == before);
  run.must_train(with(overrides, {run.output("stopped"), figure + "3}", "--resume"}));
  check_same_run(run, "whole", "stopped");
}

TEST_CASE("the best epoch is that of the figure that the config names") {
  const TinyRun run;
  const std::string by_loss = R"(checkpoint.best={"figure":"loss.total","mode":"max"})";
  const Outcome outcome = run.must_train({by_loss});
  double highest = -1;
  int step = 0;
  for (const auto& epoch : epochs_of(run))
    if (const double loss = epoch.at("loss").at("total").get<double>(); loss > highest) {
      highest = loss;
      step = epoch.at("step").get<int>();
    }
  CHECK(test::state_of(run.last()).at("best_score") == highest);
  CHECK(test::state_of(run.best()).at("step") == step);
  CHECK(has_part(outcome.error, fmt::format("(best loss.total {:.4f})", highest)));
  CHECK(has_part(run.must_train({"--resume", "train.epochs=4"}).error,
                 "the best epoch is now that of the highest eval.top1: the best so far no longer counts\n"));
}

TEST_CASE("a figure that is not logged is refused before anything is written") {
  const TinyRun run;
  check_refused(
      run.train({R"(checkpoint.best={"figure":"val.top1"})"}),
      "/checkpoint/best/figure: got \"val.top1\", expected a figure that this run logs at the end of an epoch: "
      "\"loss.total\", \"loss.softmax_a\", \"loss.softmax_b\", \"loss.contrastive\", \"eval.top1\", "
      "\"eval.top5\", \"eval.loss\"");
  check_refused(run.train({R"(train.early_stopping={"figure":"eval.recall_at_1"})"}),
                "/train/early_stopping/figure: got");
  check_refused(run.train({"schedule.type=plateau", "schedule.figure=lr"}), "/schedule/figure: got \"lr\"");
  check_refused(run.train({"train.early_stopping={}", "data.eval=null", R"(checkpoint.best={"mode":"max"})"}),
                "/checkpoint/best/mode: there is no evaluation");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("the rate of a plateau falls after an epoch, also where its losses are read together", "[slow]") {
  const TinyRun run;
  run.must_train(with(kFrozen, {"train.epochs=4", "schedule.type=plateau", "schedule.warmup=0", "schedule.patience=0",
                                "schedule.gamma=0.5", "train.losses_every=7", "schedule.figure=eval.top1"}));
  // 1e-30 is too small to fall by 1e-8.
  for (const auto& event : run.metrics()) CHECK(event.at("lr") == 1e-30);
  std::filesystem::remove_all(run.path("run"));
  run.must_train({"optimizer.lr=1e-7", "optimizer.weight_decay=0", "train.epochs=4", "schedule.type=plateau",
                  "schedule.warmup=0", "schedule.patience=0", "schedule.gamma=0.5", "train.losses_every=7",
                  "schedule.figure=loss.total", "schedule.threshold=0.999"});
  std::vector<double> rates;
  for (const auto& epoch : epochs_of(run)) rates.push_back(epoch.at("lr").get<double>());
  CHECK(rates == std::vector<double>{1e-7, 1e-7, 5e-8, 2.5e-8});
  CHECK(test::state_of(run.last()).at("plateau").at("rate") == 1.25e-8);
}

/// Checkpoints that are whole, and a last one where there is any other.
void check_legal(const TinyRun& run, const std::string& folder) {
  const std::filesystem::path checkpoints = run.path(folder + "/checkpoints");
  if (!std::filesystem::exists(checkpoints)) return;
  bool named = false;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoints)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".safetensors")) continue;
    INFO(name);
    CHECK(SafetensorsFile(entry.path()).has_checksum());
    named |= name != "next.safetensors";
  }
  if (named) CHECK(std::filesystem::exists(run.last(folder)));
}

/// Kills a run `kills` times after a random number of further lines and a random moment, then lets it come to its end.
void check_killed_at_random(int kills, unsigned seed, const std::vector<std::string>& overrides) {
  const TinyRun run;
  INFO("seed " << seed);
  const Outcome whole = run.must_train(with(overrides, {run.output("whole")}));
  std::mt19937 random(seed);
  const auto lines = [&] { return test::count_lines(test::read_file(run.metrics_file("killed"))); };
  int killed = 0;
  for (int i = 0; i < kills; ++i) {
    test::Program program = run.start(with(overrides, {run.output("killed"), "--resume"}));
    const auto target = lines() + static_cast<std::ptrdiff_t>(random() % 4);
    (void)program.wait_until([&] { return lines() >= target && std::filesystem::exists(run.metrics_file("killed")); });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60000));
    program.kill(SIGKILL);
    killed += program.wait().signal == SIGKILL;
    check_legal(run, "killed");
  }
  CHECK(killed > 0);
  const Outcome ended = run.must_train(with(overrides, {run.output("killed"), "--resume"}));
  const auto ending = [](const std::string& text) { return text.substr(text.rfind("stopped early"), 40); };
  CHECK(ending(ended.error) == ending(whole.error));
  check_same_run(run, "whole", "killed");
}

/// Everything that a run decides by itself: it stops after its sixth epoch, with a rate that has fallen.
const std::vector<std::string> kControlled = {
    "train.epochs=12",
    "schedule.type=plateau",
    "schedule.patience=0",
    "schedule.gamma=0.5",
    "schedule.figure=eval.loss",
    "schedule.threshold=0.9",
    R"(train.early_stopping={"figure":"loss.softmax_a","mode":"max","min_delta":1000,"patience":5})",
    R"(checkpoint.best={"figure":"eval.loss"})",
    "checkpoint.every_minutes=1e-9"};

TEST_CASE("a run that decides by its figures, killed at random moments, resumes to the same bits", "[slow]") {
  check_killed_at_random(4, 1, kControlled);
}

TEST_CASE("a run that decides by its figures, killed at twenty random moments, resumes to the same bits", "[slow]") {
  check_killed_at_random(20, 2, kControlled);
  check_killed_at_random(20, 3, with(kControlled, {"checkpoint.every_minutes=null", "checkpoint.every_steps=2"}));
}

}  // namespace
}  // namespace tandem
