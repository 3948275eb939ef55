// What --resume accepts, what it refuses, and that a refusal changes nothing.

#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_refused;
using test::TinyRun;

/// The lines of the training list.
std::vector<std::string> list_lines(const TinyRun& run) {
  std::ifstream file(run.path("set/train.txt"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line + "\n");
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

TEST_CASE("resume without a checkpoint starts afresh") {
  const TinyRun run;
  run.must_train({"--resume", "train.epochs=1"});
  const auto events = run.metrics();
  CHECK(events.size() == 4);
  // A run that was killed before its first checkpoint leaves a log and no checkpoint.
  std::filesystem::remove_all(run.path("run/checkpoints"));
  run.must_train({"--resume", "train.epochs=1"});
  CHECK(run.metrics() == events);
}

TEST_CASE("a folder that holds a run is refused without resume and left as it is") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const auto before = test::snapshot(run.path("run"));
  check_refused(run.train({"train.epochs=1"}), run.last() + ": holds a run already; --resume continues it");
  check_refused(run.train({"seed=2"}), "holds a run already");
  CHECK(test::snapshot(run.path("run")) == before);
}

TEST_CASE("resume refuses a config that would have made another run") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const auto before = test::snapshot(run.path("run"));
  const std::string changes[][2] = {
      {"pairs.batch=4", "/pairs/batch is 5 in this run and 4 in the config"},
      {"seed=2", "/seed is 1 in this run and 2 in the config"},
      {"optimizer.lr=0.02", "/optimizer/lr is 0.01 in this run and 0.02 in the config"},
      {"loss.contrastive.weight=0", "/loss/contrastive/weight"},
      {"model.embedding=[8]", "/model/embedding/0"},
      {"model.arch=resnet34", "/model/arch"},
      {"data.image_size=40", "/data/image_size"},
      {"data.augment.flip=false", "/data/augment/flip"},
      {"schedule.type=constant", "/schedule/type"},
  };
  for (const auto& [change, pointer] : changes) {
    INFO(change);
    check_refused(run.train({"--resume", change, "train.epochs=2"}), run.last() + ": cannot resume: " + pointer);
  }
  CHECK(test::snapshot(run.path("run")) == before);
}

TEST_CASE("resume refuses another training list") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const auto before = test::snapshot(run.path("run"));
  const std::vector<std::string> lines = list_lines(run);

  std::vector<std::string> changed = lines;
  changed.pop_back();
  run.dir().write("set/fewer.txt", joined(changed));
  check_refused(run.train({"--resume", "train.epochs=2", "data.train.list=" + run.path("set/fewer.txt")}),
                "cannot resume: the run has 12 training images, the list now has 11");

  changed = lines;
  std::swap(changed.front(), changed.back());
  run.dir().write("set/other_order.txt", joined(changed));
  check_refused(run.train({"--resume", "train.epochs=2", "data.train.list=" + run.path("set/other_order.txt")}),
                "cannot resume: the training list has other images, labels, or another order");

  changed = lines;
  changed.front().replace(changed.front().rfind(' '), std::string::npos, " 1\n");
  REQUIRE(changed.front() != lines.front());
  run.dir().write("set/other_label.txt", joined(changed));
  check_refused(run.train({"--resume", "train.epochs=2", "data.train.list=" + run.path("set/other_label.txt")}),
                "cannot resume: the training list has other images, labels, or another order");

  run.dir().write("set/classes.txt", "bag\nball\nbox\n");
  check_refused(run.train({"--resume", "train.epochs=2"}),
                "cannot resume: the training list has other classes than the run");
  CHECK(test::snapshot(run.path("run")) == before);
}

TEST_CASE("a finished run can be resumed from where its images have moved and stays as it is") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const auto checkpoints = test::snapshot(run.path("run/checkpoints"));
  const auto events = run.metrics();
  std::filesystem::rename(run.path("set"), run.path("moved"));
  const test::Outcome again =
      run.must_train({"--resume", "train.epochs=1", "data.train.list=" + run.path("moved/train.txt"),
                      "data.eval.list=" + run.path("moved/test.txt")});
  CHECK(test::has_part(again.error, "resumed from " + run.last() + " after step 3 of 3"));
  CHECK(test::has_part(again.error, "done: " + run.best()));
  CHECK(test::snapshot(run.path("run/checkpoints")) == checkpoints);
  CHECK(run.metrics() == events);
}

}  // namespace
}  // namespace tandem
