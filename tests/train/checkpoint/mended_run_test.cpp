// Images that go bad while a run goes on: what it did is kept, and once they are mended it comes to the same bits.

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using test::check_failed;
using test::check_refused;
using test::check_same_run;
using test::Outcome;
using test::TinyRun;
using test::with;

/// The image on the first line of a list.
std::string first_image(const TinyRun& run, const std::string& list) {
  const std::string lines = test::read_file(run.path("set/" + list));
  return run.path("set/" + lines.substr(0, lines.find(' ')));
}

/// At once: a run that goes on must not find half of it.
void write_image(const std::string& path, const std::string& content) {
  std::ofstream(path + ".new", std::ios::binary) << content;
  std::filesystem::rename(path + ".new", path);
}

/// An image that is none any more.
struct Spoilt {
  std::string path, before;

  void mend() const { write_image(path, before); }
};

/// Trains into "whole", to the end, and alike into "mended", where it spoils an image of `list` after the first epoch.
Spoilt train_and_spoil(const TinyRun& run, const std::string& list, const std::vector<std::string>& arguments) {
  run.must_train(with(arguments, {run.output("whole")}));
  const std::string image = first_image(run, list);
  Spoilt spoilt{image, test::read_file(image)};
  test::Program program = run.start(with(arguments, {run.output("mended")}));
  REQUIRE(program.wait_until(
      [&] { return test::has_part(test::read_file(run.metrics_file("mended")), R"("event":"epoch")"); }));
  write_image(image, "no picture");
  const Outcome failed = program.wait();
  check_failed(failed, image + ": not an image", 2);
  CHECK(test::has_part(failed.error, "the run so far is in " + run.last("mended")));
  return spoilt;
}

void append_line(const std::string& path, const std::string& line) {
  std::ofstream(path, std::ios::app) << line << '\n';
}

TEST_CASE("an evaluation image that goes bad costs no step", "[slow]") {
  const TinyRun run;
  // Without a checkpoint but those of a better evaluation: the steps of an epoch are lost, or saved for the error.
  const std::vector<std::string> arguments = {"train.epochs=6", "checkpoint.every_epochs=6"};
  const Spoilt image = train_and_spoil(run, "test.txt", arguments);
  const auto before = run.metrics("mended");
  CHECK(before.back().at("event") == "step");
  CHECK(test::state_of(run.last("mended")).at("step") == before.back().at("step"));
  CHECK(test::state_of(run.last("mended")).at("epoch_steps") > 0);

  const std::vector<std::string> resume = with(arguments, {run.output("mended"), "--resume"});
  const auto checkpoints = test::snapshot(run.path("mended"));
  check_refused(run.train(resume), image.path + ": not an image");
  CHECK(test::snapshot(run.path("mended")) == checkpoints);

  image.mend();
  // As of a process that was killed between logging the epoch and saving it.
  append_line(run.metrics_file("mended"),
              R"({"event": "epoch", "step": )" + before.back().at("step").dump() + R"(, "images_per_s": 1})");
  run.must_train(resume);
  check_same_run(run, "whole", "mended");
}

TEST_CASE("a training image that goes bad costs no step", "[slow]") {
  for (const std::string losses : {"train.losses_every=1", "train.losses_every=3"}) {
    const TinyRun run;
    const std::vector<std::string> arguments = {"train.epochs=9", "checkpoint.every_epochs=9", "data.eval=null",
                                                losses};
    const Spoilt image = train_and_spoil(run, "train.txt", arguments);
    CHECK(test::state_of(run.last("mended")).at("step") == run.metrics("mended").back().at("step"));

    const std::vector<std::string> resume = with(arguments, {run.output("mended"), "--resume"});
    check_failed(run.train(resume), image.path + ": not an image", 2);
    image.mend();
    run.must_train(resume);
    check_same_run(run, "whole", "mended");
  }
}

TEST_CASE("an evaluation image that is bad from the start is refused before anything is written") {
  const TinyRun run;
  const std::string image = first_image(run, "test.txt");
  write_image(image, "no picture");
  check_refused(run.train({}), run.path("set/test.txt") + ":1: " + image + ": not an image");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

}  // namespace
}  // namespace tandem
