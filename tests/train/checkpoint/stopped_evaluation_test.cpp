// A run that is stopped or killed while it evaluates loses no step, and evaluates and logs that epoch once.

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using test::check_same_run;
using test::Outcome;
using test::Program;
using test::TinyRun;
using test::with;

/// A list of so many images, for an evaluation that takes a while, and the override that asks for it.
std::string long_evaluation(const TinyRun& run) {
  constexpr int kImages = 120;
  std::string lines;
  for (int i = 0; i < kImages; ++i) {
    const std::string label = i % 2 == 0 ? "ball" : "bag", name = "many/" + std::to_string(i) + ".png";
    run.dir().write(name, test::read_file(run.path("set/test/" + label + "/0001.png")));
    lines += name + (i % 2 == 0 ? " 1\n" : " 0\n");
  }
  run.dir().write("many.txt", lines);
  return "data.eval.list=" + run.path("many.txt");
}

/// Trains into `folder` and sends the signal during the first evaluation, of which the checkpoint tells that is written
/// before. A machine that is slow to send it may miss the evaluation: then once more.
Outcome stop_in_evaluation(const TinyRun& run, const std::string& folder, int signal,
                           const std::vector<std::string>& arguments) {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    std::filesystem::remove_all(run.path(folder));
    Program program = run.start(with(arguments, {run.output(folder)}));
    REQUIRE(program.wait_until([&] { return std::filesystem::exists(run.last(folder)); }));
    program.kill(signal);
    Outcome outcome = program.wait();
    if (!test::has_part(test::read_file(run.metrics_file(folder)), R"("event":"epoch")")) return outcome;
  }
  FAIL("no evaluation was met");
  return {};
}

TEST_CASE("a run stopped or killed during an evaluation loses nothing and evaluates once") {
  const TinyRun run;
  const std::vector<std::string> arguments = {"train.epochs=1", long_evaluation(run)};
  run.must_train(with(arguments, {run.output("whole")}));
  for (const int signal : {SIGKILL, SIGTERM}) {
    INFO("signal " << signal);
    const Outcome outcome = stop_in_evaluation(run, "stopped", signal, arguments);
    CHECK(outcome.signal == (signal == SIGKILL ? SIGKILL : 0));
    CHECK(outcome.status == (signal == SIGKILL ? -1 : 130));
    if (signal == SIGTERM)
      CHECK(test::has_part(outcome.error, "interrupted; the run so far is in " + run.last("stopped")));
    const auto state = test::state_of(run.last("stopped"));
    CHECK(state.at("step") == 3);
    CHECK(state.at("epoch_steps") == 3);
    CHECK(run.metrics("stopped").back().at("step") == 3);
    run.must_train(with(arguments, {run.output("stopped"), "--resume"}));
    check_same_run(run, "whole", "stopped");
  }
}

}  // namespace
}  // namespace tandem
