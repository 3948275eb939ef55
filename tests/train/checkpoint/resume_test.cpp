// A run that is killed and resumed comes to the same numbers, bit for bit, as one that was never stopped.

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using test::check_same_run;
using test::logged_lines;
using test::Outcome;
using test::Program;
using test::ProgramOptions;
using test::TinyRun;
using test::with;

/// Trains into `folder` until the log has `lines` lines, then sends a signal.
Outcome interrupt(const TinyRun& run, const std::string& folder, std::ptrdiff_t lines, int signal,
                  std::vector<std::string> arguments) {
  arguments.push_back(run.output(folder));
  Program program = run.start(arguments);
  REQUIRE(program.wait_until([&] { return logged_lines(run, folder) >= lines; }));
  program.kill(signal);
  return program.wait();
}

/// Kills a run again and again, each time after `stride` more lines of its log, with another number of workers each
/// time; then lets it come to its end.
void check_killed_every(std::ptrdiff_t stride, const TinyRun& run, const std::vector<std::string>& overrides) {
  run.must_train(with(overrides, {run.output("whole")}));
  const std::ptrdiff_t lines = logged_lines(run, "whole");
  REQUIRE(lines > 2 * stride);
  int workers = 1, kills = 0;
  for (std::ptrdiff_t line = stride; line < lines; line += stride) {
    const std::string w = "data.workers=" + std::to_string(1 + workers++ % 3);
    kills += interrupt(run, "killed", line, SIGKILL, with(overrides, {w, "--resume"})).signal == SIGKILL;
  }
  CHECK(kills > 0);  // not all: after the last steps it may come to its end first
  const Outcome ended = run.must_train(with(overrides, {run.output("killed"), "data.workers=3", "--resume"}));
  CHECK(test::has_part(ended.error, "resumed from " + run.last("killed")));
  check_same_run(run, "whole", "killed");
}

TEST_CASE("a killed run resumes to the same bits") { check_killed_every(3, TinyRun(), {"checkpoint.every_steps=2"}); }

TEST_CASE("a run killed after every step resumes to the same bits from a checkpoint of every step", "[slow]") {
  check_killed_every(1, TinyRun(), {"checkpoint.every_steps=1"});
}

TEST_CASE("a run killed after every step resumes to the same bits from checkpoints of every third step", "[slow]") {
  check_killed_every(1, TinyRun(), {"checkpoint.every_steps=3"});
}

TEST_CASE("a run killed after every step resumes to the same bits from checkpoints of epochs", "[slow]") {
  check_killed_every(1, TinyRun(), {"checkpoint.every_steps=null"});
}

TEST_CASE("a run without evaluation resumes to the same bits", "[slow]") {
  check_killed_every(3, TinyRun(), {"data.eval=null", "train.epochs=2", "checkpoint.every_steps=2"});
}

TEST_CASE("the moving contrastive weight and label smoothing resume to the same bits", "[slow]") {
  check_killed_every(3, TinyRun(),
                     {R"(loss.contrastive.weight="match_softmax")", "loss.softmax.label_smoothing=0.1",
                      "checkpoint.every_steps=2", "train.epochs=2"});
}

TEST_CASE("AdamW's moments resume to the same bits", "[slow]") {
  check_killed_every(3, TinyRun(),
                     {"optimizer.type=adamw", "optimizer.lr=0.001", "checkpoint.every_steps=2", "train.epochs=2"});
}

TEST_CASE("what LARS keeps resumes to the same bits, with clipped gradients and groups", "[slow]") {
  check_killed_every(3, TinyRun(),
                     {"optimizer.type=lars", "optimizer.clip_norm=1", R"(optimizer.groups=[{"match":["fc.*"],"lr":4}])",
                      "checkpoint.every_steps=2", "train.epochs=2"});
}

TEST_CASE("what LAMB keeps resumes to the same bits, with layer decay", "[slow]") {
  check_killed_every(3, TinyRun(),
                     {"optimizer.type=lamb", "optimizer.lr=0.01", "optimizer.layer_decay=0.75",
                      "checkpoint.every_steps=2", "train.epochs=2"});
}

TEST_CASE("what RMSprop keeps resumes to the same bits, with gradients clipped by value", "[slow]") {
  check_killed_every(3, TinyRun(),
                     {"optimizer.type=rmsprop_tf", "optimizer.lr=0.001", "optimizer.clip_value=0.5",
                      "optimizer.decay_on=all", "checkpoint.every_steps=2", "train.epochs=2"});
}

TEST_CASE("averaged weights and accumulated gradients resume to the same bits, in the middle of an epoch", "[slow]") {
  check_killed_every(3, TinyRun(),
                     {"ema={}", "pairs.batch=2", "pairs.accumulate=2", "checkpoint.every_steps=2", "train.epochs=3"});
}

TEST_CASE("images that are varied and mixed resume to the same bits") {
  check_killed_every(3, TinyRun(),
                     {"loss.contrastive.weight=0", "data.augment.mixup={}", R"(data.augment.cutmix={"p":0.4})",
                      "data.augment.rand_augment={}", R"(data.augment.random_erasing={"value":null})", "pairs.batch=4",
                      "pairs.repeat=2", "pairs.accumulate=2", "checkpoint.every_steps=2", "train.epochs=2"});
}

TEST_CASE("averages and accumulated gradients killed after every step, with losses read together", "[slow]") {
  check_killed_every(1, TinyRun(),
                     {R"(ema={"decay":0.6,"warmup":false})", "pairs.accumulate=2", "checkpoint.every_steps=1",
                      "train.losses_every=2", "optimizer.type=adamw", "optimizer.lr=0.001", "train.epochs=6"});
}

TEST_CASE("a run whose losses are read together equals one whose losses are read one by one, killed or not", "[slow]") {
  const TinyRun run;
  const std::vector<std::string> overrides = {"checkpoint.every_steps=4"};
  run.must_train(with(overrides, {run.output("one_by_one"), "train.losses_every=1"}));
  check_killed_every(3, run, with(overrides, {"train.losses_every=3"}));
  check_same_run(run, "one_by_one", "whole");
}

TEST_CASE("a run killed in the middle of writing a checkpoint resumes to the same bits") {
  const TinyRun run;
  const std::vector<std::string> overrides = {"checkpoint.every_steps=1", "train.epochs=2"};
  run.must_train(with(overrides, {run.output("whole")}));
  const Outcome stopped = interrupt(run, "killed", 2, SIGTERM, with(overrides, {"checkpoint.every_steps=null"}));
  REQUIRE(stopped.status == 130);
  const std::string before = test::read_file(run.last("killed"));

  // A limit of file sizes is an ordinary error.
  ProgramOptions limited;
  limited.file_limit = before.size() / 2;
  const auto files = test::snapshot(run.path("killed/checkpoints"));
  const Outcome failed = run.train(with(overrides, {run.output("killed"), "--resume"}), limited);
  CHECK(failed.signal == 0);
  CHECK(failed.status == 1);
  CHECK(test::has_part(failed.error, "cannot write: File too large\n"));
  CHECK(test::snapshot(run.path("killed/checkpoints")) == files);
  // What a run that is killed there leaves.
  const std::string torn = "killed/checkpoints/next.safetensors.tandem-4f2a9c.tmp";
  run.dir().write(torn, before.substr(0, before.size() / 2));
  run.dir().write("killed/checkpoints/next.safetensors.tmp", "somebody's");
  run.must_train(with(overrides, {run.output("killed"), "--resume"}));
  CHECK_FALSE(std::filesystem::exists(run.path(torn)));
  CHECK(test::read_file(run.path("killed/checkpoints/next.safetensors.tmp")) == "somebody's");
  std::filesystem::remove(run.path("killed/checkpoints/next.safetensors.tmp"));
  check_same_run(run, "whole", "killed");
}

TEST_CASE("a run that is told to stop finishes its step and resumes to the same bits", "[slow]") {
  const TinyRun run;
  // So long that the signal comes well before the end, and without any other checkpoint.
  const std::vector<std::string> overrides = {"data.eval=null", "train.epochs=12", "checkpoint.every_epochs=12"};
  run.must_train(with(overrides, {run.output("whole")}));
  std::ptrdiff_t lines = 1;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    const Outcome stopped = interrupt(run, "stopped", lines, signal, with(overrides, {"--resume"}));
    INFO(stopped.error);
    CHECK(stopped.status == 130);
    CHECK(test::has_part(stopped.error, "stopping after this step; a second signal stops at once\n"));
    CHECK(test::has_part(stopped.error, "interrupted; the run so far is in " + run.last("stopped")));
    CHECK(test::state_of(run.last("stopped")).at("step") == run.metrics("stopped").back().at("step"));
    lines = logged_lines(run, "stopped") + 4;
  }
  run.must_train(with(overrides, {run.output("stopped"), "--resume"}));
  check_same_run(run, "whole", "stopped");
}

TEST_CASE("a run resumed for more epochs equals one of that length") {
  const TinyRun run;
  const std::vector<std::string> overrides = {"schedule.type=constant", "schedule.warmup=0"};
  run.must_train(with(overrides, {run.output("whole"), "train.epochs=2"}));
  run.must_train(with(overrides, {run.output("longer"), "train.epochs=1"}));
  run.must_train(with(overrides, {run.output("longer"), "train.epochs=2", "--resume"}));
  check_same_run(run, "whole", "longer");
}

TEST_CASE("a run on two cores resumes to the same bits", "[slow]") {
  const TinyRun run;
  ProgramOptions two_cores;
  two_cores.environment = {"OMP_NUM_THREADS=2"};
  const std::vector<std::string> overrides = {"train.epochs=1", "checkpoint.every_steps=1"};
  run.must_train(with(overrides, {run.output("whole")}), two_cores);
  Program program = run.start(with(overrides, {run.output("killed")}), two_cores);
  REQUIRE(program.wait_until([&] { return logged_lines(run, "killed") >= 2; }));
  program.kill(SIGKILL);
  CHECK(program.wait().signal == SIGKILL);
  run.must_train(with(overrides, {run.output("killed"), "--resume"}), two_cores);
  check_same_run(run, "whole", "killed");
}

}  // namespace
}  // namespace tandem
