// Images that go bad while a run goes on: what it did is kept, and once they are mended it comes to the same bits.

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using test::check_failed;
using test::check_refused;
using test::check_same_run;
using test::Outcome;
using test::TinyRun;

/// The image on the first line of a list.
std::string first_image(const TinyRun& run, const std::string& list) {
  const std::string lines = test::read_file(run.path("set/" + list));
  return run.path("set/" + lines.substr(0, lines.find(' ')));
}

/// Trains into "mended", spoils an image after the first epoch, and returns how the run ended.
Outcome spoil_after_an_epoch(const TinyRun& run, const std::string& image, std::vector<std::string> arguments) {
  arguments.push_back(run.output("mended"));
  test::Program program = run.start(arguments);
  REQUIRE(program.wait_until(
      [&] { return test::has_part(test::read_file(run.metrics_file("mended")), R"("event":"epoch")"); }));
  std::ofstream(image, std::ios::binary | std::ios::trunc) << "no picture";
  return program.wait();
}

void append_line(const std::string& path, const std::string& line) {
  std::ofstream(path, std::ios::app) << line << '\n';
}

TEST_CASE("an evaluation image that goes bad costs no step") {
  const TinyRun run;
  // Without a checkpoint but those of a better evaluation: the steps of an epoch are lost, or saved for the error.
  const std::vector<std::string> arguments = {"train.epochs=6", "checkpoint.every_epochs=6"};
  std::vector<std::string> all = arguments;
  all.push_back(run.output("whole"));
  run.must_train(all);

  const std::string image = first_image(run, "test.txt"), good = test::read_file(image);
  const Outcome failed = spoil_after_an_epoch(run, image, arguments);
  check_failed(failed, image + ": not an image", 2);
  CHECK(test::has_part(failed.error, "the run so far is in " + run.last("mended")));
  const auto before = run.metrics("mended");
  CHECK(before.back().at("event") == "step");
  CHECK(test::state_of(run.last("mended")).at("step") == before.back().at("step"));
  CHECK(test::state_of(run.last("mended")).at("epoch_steps") > 0);

  all = arguments;
  all.insert(all.end(), {run.output("mended"), "--resume"});
  const auto checkpoints = test::snapshot(run.path("mended"));
  check_refused(run.train(all), image + ": not an image");
  CHECK(test::snapshot(run.path("mended")) == checkpoints);

  std::ofstream(image, std::ios::binary | std::ios::trunc) << good;
  // As of a process that was killed between logging the epoch and saving it.
  append_line(run.metrics_file("mended"),
              R"({"event": "epoch", "step": )" + before.back().at("step").dump() + R"(, "images_per_s": 1})");
  run.must_train(all);
  check_same_run(run, "whole", "mended");
}

TEST_CASE("a training image that goes bad costs no step", "[slow]") {
  for (const std::string losses : {"train.losses_every=1", "train.losses_every=3"}) {
    const TinyRun run;
    const std::vector<std::string> arguments = {"train.epochs=9", "checkpoint.every_epochs=9", "data.eval=null",
                                                losses};
    std::vector<std::string> all = arguments;
    all.push_back(run.output("whole"));
    run.must_train(all);

    const std::string image = first_image(run, "train.txt"), good = test::read_file(image);
    const Outcome failed = spoil_after_an_epoch(run, image, arguments);
    check_failed(failed, image + ": not an image", 2);
    CHECK(test::has_part(failed.error, "the run so far is in " + run.last("mended")));
    CHECK(test::state_of(run.last("mended")).at("step") == run.metrics("mended").back().at("step"));

    all = arguments;
    all.insert(all.end(), {run.output("mended"), "--resume"});
    check_failed(run.train(all), image + ": not an image", 2);
    std::ofstream(image, std::ios::binary | std::ios::trunc) << good;
    run.must_train(all);
    check_same_run(run, "whole", "mended");
  }
}

TEST_CASE("an evaluation image that is bad from the start is refused before anything is written") {
  const TinyRun run;
  const std::string image = first_image(run, "test.txt");
  std::ofstream(image, std::ios::binary | std::ios::trunc) << "no picture";
  check_refused(run.train({}), run.path("set/test.txt") + ":1: " + image + ": not an image");
  CHECK_FALSE(std::filesystem::exists(run.path("run")));
}

}  // namespace
}  // namespace tandem
