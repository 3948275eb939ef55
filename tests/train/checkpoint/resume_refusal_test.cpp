// What --resume accepts, what it refuses, and that a refusal changes nothing.

#include "tests/support/same_run.h"

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
  const test::Outcome first = run.must_train({"--resume", "train.epochs=1"});
  CHECK(test::has_part(first.error, "no checkpoint in " + run.path("run") + ": starting a new run\n"));
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

TEST_CASE("a folder with any checkpoint of a run is refused, with resume and without") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::filesystem::path best = run.path("run/checkpoints/best.safetensors");
  std::filesystem::remove(run.last());
  for (const auto& one : std::filesystem::directory_iterator(best.parent_path()))
    if (one.path() != best) std::filesystem::remove(one.path());
  const auto before = test::snapshot(run.path("run"));
  const std::string stray = best.string() + ": a run's checkpoint, but no last.safetensors beside it";
  check_refused(run.train({"train.epochs=1"}), stray);
  check_refused(run.train({"--resume", "train.epochs=1"}), stray);
  std::filesystem::rename(best, best.parent_path() / "step-00000003.safetensors");
  check_refused(run.train({"train.epochs=1"}), "step-00000003.safetensors: a run's checkpoint, but no last");
  std::filesystem::rename(best.parent_path() / "step-00000003.safetensors", best);
  CHECK(test::snapshot(run.path("run")) == before);
}

TEST_CASE("resume refuses a config that would have made another run", "[slow]") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const auto before = test::snapshot(run.path("run"));
  const std::string changes[][2] = {
      {"pairs.batch=4", "/pairs/batch is 5 in this run and 4 in the config"},
      {"seed=2", "/seed is 1 in this run and 2 in the config"},
      {"optimizer.lr=0.02", "/optimizer/lr is 0.01 in this run and 0.02 in the config"},
      {"loss.contrastive.weight=0", "/loss/contrastive/weight"},
      {"model.embedding=[8]", "/model/embedding is [16] in this run and [8] in the config"},
      {"model.embedding=[16,8,4]", "/model/embedding is [16] in this run and [16,8,4] in the config"},
      {"model.arch=resnet34", "/model/arch"},
      {"data.image_size=40", "/data/image_size"},
      {"data.augment.flip=false", "/data/augment/flip"},
      {"data.augment.rand_augment={}", "/data/augment/rand_augment is null in this run and {"},
      {"schedule.type=constant", "/schedule/type"},
  };
  for (const auto& [change, pointer] : changes) {
    INFO(change);
    check_refused(run.train({"--resume", change, "train.epochs=2"}), run.last() + ": cannot resume: " + pointer);
  }
  CHECK(test::snapshot(run.path("run")) == before);
}

TEST_CASE("resume refuses fewer epochs than were done, and says where the schedule ends with others") {
  const TinyRun run;
  run.must_train({"train.epochs=2"});
  const auto before = test::snapshot(run.path("run"));
  check_refused(run.train({"--resume", "train.epochs=1"}),
                run.last() + ": cannot resume: the run has done 5 steps, train.epochs 1 makes 3");
  CHECK(test::snapshot(run.path("run")) == before);
  const std::string line = "train.epochs is 3, it was 2: the schedule now ends after step 8, not 5\n";
  CHECK(test::has_part(run.must_train({"--resume", "train.epochs=3"}).error, line));
  CHECK_FALSE(test::has_part(run.must_train({"--resume", "train.epochs=3"}).error, "the schedule now ends"));
}

TEST_CASE("the best evaluation of another list no longer counts") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string line = "the evaluation list has changed: the best top-1 so far, ";
  const std::string list = test::read_file(run.path("set/test.txt"));
  run.dir().write("set/other.txt", list.substr(0, list.rfind('\n', list.size() - 2) + 1));

  std::filesystem::copy(run.path("set"), run.path("moved"), std::filesystem::copy_options::recursive);
  std::filesystem::copy(run.path("run"), run.path("old"), std::filesystem::copy_options::recursive);
  CHECK_FALSE(test::has_part(
      run.must_train({"--resume", "train.epochs=1", "data.eval.list=" + run.path("moved/test.txt")}).error, line));
  const std::string to_other = "data.eval.list=" + run.path("set/other.txt");
  CHECK(test::has_part(run.must_train({"--resume", "train.epochs=2", to_other}).error, line));
  CHECK(test::state_of(run.last()).at("best_score") == run.metrics().back().at("eval").at("top1"));
  CHECK_FALSE(test::has_part(run.must_train({"--resume", "train.epochs=3", to_other}).error, line));

  // A checkpoint that does not say what was evaluated.
  const SafetensorsFile file(run.last("old"));
  SafetensorsMetadata metadata = file.metadata();
  nlohmann::json state = nlohmann::json::parse(metadata.at("tandem.state"));
  REQUIRE(state.erase("eval_list") == 1);
  metadata["tandem.state"] = state.dump();
  write_safetensors(run.last("old"), file.entries(), metadata);
  const test::Outcome old = run.must_train({"--resume", "train.epochs=2", run.output("old")});
  CHECK_FALSE(test::has_part(old.error, line));
  CHECK(test::has_part(old.error, "resumed from"));
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
