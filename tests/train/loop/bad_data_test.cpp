// Images and lists that cannot be used, as tandem-train meets them.

#include "data/image/image.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using test::check_failed;
using test::check_refused;
using test::Outcome;
using test::TinyRun;

/// The image on the first line of the training list.
std::string first_image(const TinyRun& run) {
  const std::string list = test::read_file(run.path("set/train.txt"));
  return run.path("set/" + list.substr(0, list.find(' ')));
}

/// Trains an epoch, spoils an image, goes on, and tries --dry-run: both must say what is wrong with it.
template <class Spoil>
void check_spoiled_image(const Spoil& spoil, const std::string& message) {
  const TinyRun run;
  run.must_train({"train.epochs=1", "pairs.batch=4"});
  const auto checkpoints = test::snapshot(run.path("run/checkpoints"));
  const std::string image = first_image(run);
  spoil(image);
  const std::string where = run.path("set/train.txt") + ":1: " + image + ": ";
  check_failed(run.train({"--resume", "train.epochs=2", "pairs.batch=4"}), where + message, 2);
  CHECK(test::snapshot(run.path("run/checkpoints")) == checkpoints);
  // With one pair a step, so that its two steps alone would not meet the image.
  check_failed(run.train({"--dry-run", run.output("dry"), "pairs.batch=1", "model.batch_norm=joint"}), where + message,
               2);
  CHECK_FALSE(std::filesystem::exists(run.path("dry")));
}

void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

TEST_CASE("an empty image ends the run with one line") {
  check_spoiled_image([](const std::string& image) { write(image, ""); }, "image file is empty");
}

TEST_CASE("a truncated image ends the run with one line") {
  check_spoiled_image(
      [](const std::string& image) {
        const std::string content = test::read_file(image);
        write(image, content.substr(0, content.size() / 2));
      },
      "truncated PNG file");
}

TEST_CASE("a text named as an image ends the run with one line") {
  check_spoiled_image([](const std::string& image) { write(image, "This is no picture.\n"); }, "not an image");
}

TEST_CASE("an image of one pixel ends the run with one line") {
  check_spoiled_image(
      [](const std::string& image) {
        write_png(Image{1, 1, {0, 0, 0}}, image);
      },
      "image is 1x1 pixels: expected at least 2x2");
}

TEST_CASE("an image that goes missing during the run ends it with one line") {
  const TinyRun run;
  test::Program program = run.start({"train.epochs=1000", "data.eval=null", "checkpoint.every_epochs=1000"});
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(run.metrics_file()); }));
  std::filesystem::remove(first_image(run));
  check_failed(program.wait(), "no such image file", 2);
}

TEST_CASE("a list that cannot be used is refused with its line") {
  const TinyRun run;
  const std::string good = test::read_file(run.path("set/train.txt"));
  const std::string image = good.substr(0, good.find(' '));
  const std::string lists[][2] = {
      {good + image + " seven\n", ":13: label 'seven' is not an integer"},
      {good + image + "\n", ":13: "},
      {good + image + " 3\n", ":13: label 3 is too large: expected 0 to 2 (the "},
      {good + image + " -1\n", ":13: label -1 is negative"},
      {good + "train/nowhere.png 0\n", ":13: "},
      {"", ": the list is empty"},
  };
  const std::string list = run.dir().write("set/list.txt", "").string();
  for (const auto& [content, message] : lists) {
    write(list, content);
    INFO(content);
    check_refused(run.train({"data.train.list=" + list}), list + message);
    check_refused(run.train({"data.eval.list=" + list}), list + message);
    check_refused(run.train({"data.train.list=" + list, "--dry-run"}), list + message);
  }
  check_refused(run.train({"data.train.list=" + run.path("nowhere.txt")}), run.path("nowhere.txt"));
  check_refused(run.train({"data.train.root=" + run.path("nowhere")}), run.path("nowhere"));
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("lists from Windows with blank lines train as any other") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  std::string list = "\xEF\xBB\xBF\r\n";
  for (const char c : test::read_file(run.path("set/train.txt"))) {
    if (c == '\n') list += "\r\n  \r";
    list += c;
  }
  run.dir().write("set/windows.txt", list);
  run.must_train({"train.epochs=1", run.output("windows"), "data.train.list=" + run.path("set/windows.txt")});
  CHECK(run.metrics("windows") == run.metrics());
}

TEST_CASE("more pairs a step than images are refused") {
  const TinyRun run;
  check_refused(run.train({"pairs.batch=13"}), "/pairs/batch: 13 pairs per step from 12 training images");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("classes that do not match are refused") {
  const TinyRun run;
  check_refused(run.train({"model.classes=4"}), run.path("set/classes.txt") + ": names 3 classes: expected 4");
  check_refused(run.train({"model.classes=2"}), "expected 2");
  std::filesystem::copy(run.path("set"), run.path("other"), std::filesystem::copy_options::recursive);
  run.dir().write("other/classes.txt", "bag\nball\nbox\n");
  check_refused(run.train({"data.eval.list=" + run.path("other/test.txt")}),
                "other/test.txt:5: class 'box' is none of the network's classes (bag, ball, book)");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("class names that are not UTF-8 are refused before the run begins") {
  const TinyRun run;
  std::filesystem::rename(run.path("set/train/bag"), run.path("set/train/caf\xE9"));
  std::filesystem::remove(run.path("set/classes.txt"));
  check_refused(run.train({"data.train.list=" + run.path("set/train"), "--dry-run"}),
                run.path("set/train") + ": the name of the subfolder 'caf\xE9' is not UTF-8");
  run.dir().write("set/classes.txt", "caf\xE9\nball\nbook\n");
  check_refused(run.train({"--dry-run"}), run.path("set/classes.txt") + ":1: not UTF-8");
}

TEST_CASE("images of one class are not trained on") {
  const TinyRun run;
  const std::string list = test::read_file(run.path("set/train.txt"));
  run.dir().write("set/one.txt", list.substr(0, list.find("train/ball")));
  check_refused(run.train({"data.train.list=" + run.path("set/one.txt"), "pairs.batch=2"}),
                run.path("set/one.txt") + ": all its images are of the class 'bag': expected two classes or more");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

TEST_CASE("an image without permission to read is refused before the run begins") {
  const TinyRun run;
  namespace fs = std::filesystem;
  const std::string image = first_image(run), where = run.path("set/train.txt") + ":1: " + image;
  test::ProgramOptions as_anyone;
  as_anyone.obey_permissions = true;
  fs::permissions(image, fs::perms::none);
  check_refused(run.train({}, as_anyone), where + ": cannot read: Permission denied");
  fs::permissions(image, fs::perms::owner_all);
  const fs::path folder = fs::path(image).parent_path();
  fs::permissions(folder, fs::perms::none);
  check_refused(run.train({}, as_anyone), where + ": cannot read: Permission denied");
  fs::permissions(folder, fs::perms::owner_all);
}

TEST_CASE("a run tells what of its images is odd before it begins") {
  const TinyRun run;
  run.dir().write("set/train/bag/picture.tif", "x");
  const std::string lines = run.must_train({"data.train.list=" + run.path("set/train"), "--dry-run"}).error;
  CHECK(test::has_part(lines, run.path("set/train") + ": not read: 1 file of other types\n"));
  CHECK_FALSE(test::has_part(lines, "warning"));
  const std::string same = run.must_train({"data.eval.list=" + run.path("set/train"), "--dry-run"}).error;
  CHECK(test::has_part(same, "warning: 12 of the 12 evaluation images are training images too; the first: "));
  CHECK(test::has_part(same,
                       run.path("set/train.txt") + ": labels refer to the classes of " + run.path("set/classes.txt")));
}

}  // namespace
}  // namespace tandem
