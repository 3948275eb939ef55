#include "train/checkpoint/run_folder.h"

#include <fstream>
#include <set>

#include "io/atomic_file.h"
#include "tests/support/errors.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::TempDir;

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

/// Saves a checkpoint of a step, as a run does, and returns the names that are there then.
std::set<std::string> save(const RunFolder& folder, std::int64_t step) {
  write_file_atomically(folder.next(), std::to_string(step));
  folder.keep_numbered(step);
  folder.mark_last();
  CHECK(folder.remove_old(step).empty());
  return names_in(folder.last().parent_path());
}

TEST_CASE("numbered checkpoints go in the order of their steps, not of their names") {
  const TempDir dir;
  const RunFolder folder(dir / "run", 2);
  save(folder, 99999998);
  save(folder, 99999999);
  CHECK(save(folder, 100000000) ==
        std::set<std::string>{"last.safetensors", "step-99999999.safetensors", "step-100000000.safetensors"});
  CHECK(test::read_file(dir / "run/checkpoints/step-100000000.safetensors") == "100000000");
  // A run begun anew, whose steps are behind those of the one before.
  CHECK(save(folder, 3) ==
        std::set<std::string>{"last.safetensors", "step-00000003.safetensors", "step-100000000.safetensors"});
}

TEST_CASE("files that are no numbered checkpoints stay") {
  const TempDir dir;
  const std::set<std::string> foreign = {"step-00000001-precious.safetensors",
                                         "step-.safetensors",
                                         "step-+1.safetensors",
                                         "step-1.safetensors.bak",
                                         "step-99999999999999999999999.safetensors",
                                         "my-step-1.safetensors"};
  for (const std::string& name : foreign) dir.write("run/checkpoints/" + name, "mine");
  for (const int keep : {1, 0}) {
    const RunFolder folder(dir / "run", keep);
    save(folder, 1);
    std::set<std::string> expected = foreign;
    expected.insert("last.safetensors");
    if (keep > 0) expected.insert("step-00000002.safetensors");
    CHECK(save(folder, 2) == expected);
  }
}

TEST_CASE("an old checkpoint that cannot be removed is told and costs nothing") {
  const TempDir dir;
  dir.write("run/checkpoints/step-00000001.safetensors/file", "a folder, which is not removed");
  const RunFolder folder(dir / "run", 1);
  write_file_atomically(folder.next(), "2");
  folder.keep_numbered(2);
  folder.mark_last();
  CHECK(contains(folder.remove_old(2), "step-00000001.safetensors: an old checkpoint cannot be removed: "));
  CHECK(test::read_file(folder.last()) == "2");
}

TEST_CASE("no checkpoint has a name before there is a last one") {
  const TempDir dir;
  const RunFolder folder(dir / "run", 1);
  CHECK_FALSE(RunFolder::stray_checkpoint_in(dir / "run"));
  write_file_atomically(folder.next(), "1");
  folder.mark_best();
  CHECK(test::read_file(folder.last()) == "1");
  std::filesystem::remove(folder.last());
  CHECK(RunFolder::stray_checkpoint_in(dir / "run") == folder.best());
}

TEST_CASE("one run at a time holds a folder") {
  const TempDir dir;
  {
    const RunFolder first(dir / "run", 1);
    CHECK(error_of([&] { RunFolder(dir / "run", 1); }) ==
          "2: " + (dir / "run").string() + ": another tandem-train writes here");
    const RunFolder elsewhere(dir / "other", 1);
  }
  const RunFolder after(dir / "run", 1);
}

TEST_CASE("a second process in a run's folder is refused and changes nothing in it") {
  const test::TinyRun run;
  test::Program first = run.start({"train.epochs=1000", "data.eval=null", "checkpoint.every_epochs=1000"});
  REQUIRE(first.wait_until([&] { return !test::read_file(run.metrics_file()).empty(); }));
  test::check_refused(run.train({"--resume", "train.epochs=7"}),
                      run.path("run") + ": another tandem-train writes here");
  first.kill(SIGTERM);
  CHECK(first.wait().status == 130);
  const auto config = nlohmann::json::parse(test::read_file(run.path("run/config.json")));
  CHECK(config.at("train").at("epochs") == 1000);
}

TEST_CASE("a copy appears whole or not at all") {
  const TempDir dir;
  const std::string content(std::size_t{3} << 20, 'x');
  for (const std::string& bytes : {content, content + "tail", std::string()}) {
    dir.write("from", bytes);
    copy_file_atomically(dir / "from", dir / "to");
    CHECK((test::read_file(dir / "to") == bytes));
  }
  CHECK(contains(error_of([&] { copy_file_atomically(dir / "nowhere", dir / "to"); }), "/nowhere: cannot read: "));
  CHECK(contains(error_of([&] { copy_file_atomically(dir.path(), dir / "to"); }), ": cannot read: "));
  CHECK(names_in(dir.path()) == std::set<std::string>{"from", "to"});
}

}  // namespace
}  // namespace tandem
