// What goes wrong while a run goes on: damaged checkpoints, a full disk, a loss that is not finite. What was written
// before stays as it was.

#include <cmath>

#include "core/backend/backend.h"
#include "layers/initialise.h"
#include "tests/support/errors.h"
#include "tests/support/same_run.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem {
namespace {

using test::check_failed;
using test::check_refused;
using test::ProgramOptions;
using test::TinyRun;

ProgramOptions no_file_over(std::size_t bytes) {
  ProgramOptions options;
  options.file_limit = bytes;
  return options;
}

bool has_temporary_files(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.find(".tmp") != std::string::npos || name.find("next") != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("a damaged checkpoint is refused and changes nothing", "[slow]") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string good = test::read_file(run.last());
  std::string flipped = good;
  flipped[good.size() / 2] ^= 0x10;
  std::string header_flipped = good;
  header_flipped[20] ^= 0x01;
  std::filesystem::remove(run.last());  // last and best share one file
  const auto before = test::snapshot(run.path("run"));
  for (const std::string& bad : {std::string(), std::string("This is no checkpoint.\n"), good.substr(0, 7),
                                 good.substr(0, good.size() / 2), good + '\0', flipped, header_flipped}) {
    std::ofstream(run.last(), std::ios::binary) << bad;
    INFO(bad.size() << " bytes of " << good.size());
    check_refused(run.train({"--resume", "train.epochs=2"}), run.last() + ": ");
    CHECK((test::read_file(run.last()) == bad));
    std::filesystem::remove(run.last());
  }
  CHECK(test::snapshot(run.path("run")) == before);
  std::filesystem::copy_file(run.best(), run.last());
  run.must_train({"--resume", "train.epochs=2"});
}

TEST_CASE("a full disk while a checkpoint is written leaves the checkpoints before", "[slow]") {
  const TinyRun run;
  run.must_train({run.output("whole"), "train.epochs=2", "schedule.type=constant", "schedule.warmup=0"});
  const std::vector<std::string> arguments = {"schedule.type=constant", "schedule.warmup=0", "--resume"};
  const auto with_epochs = [&](const char* epochs) {
    std::vector<std::string> all = arguments;
    all.emplace_back(epochs);
    return all;
  };
  // With nothing there yet, nothing that looks like a checkpoint may stay.
  check_failed(run.train(with_epochs("train.epochs=1"), no_file_over(10 << 20)), "safetensors: cannot write", 1);
  CHECK(std::filesystem::is_empty(run.path("run/checkpoints")));

  run.must_train(with_epochs("train.epochs=1"));
  const auto before = test::snapshot(run.path("run/checkpoints"));
  REQUIRE(before.size() == 2);
  check_failed(run.train(with_epochs("train.epochs=2"), no_file_over(10 << 20)), "safetensors: cannot write", 1);
  CHECK(test::snapshot(run.path("run/checkpoints")) == before);
  CHECK_FALSE(has_temporary_files(run.path("run")));

  run.must_train(with_epochs("train.epochs=2"));
  CHECK(run.metrics() == run.metrics("whole"));
}

TEST_CASE("a log that a power cut has damaged is mended and told") {
  const TinyRun run;
  run.must_train({run.output("whole"), "train.epochs=2", "schedule.type=constant", "schedule.warmup=0"});
  run.must_train({"train.epochs=1", "schedule.type=constant", "schedule.warmup=0"});
  std::ofstream(run.metrics_file(), std::ios::binary | std::ios::app) << std::string(4096, '\0');
  const std::string told =
      run.must_train({"train.epochs=2", "schedule.type=constant", "schedule.warmup=0", "--resume"}).error;
  CHECK(test::has_part(told, run.metrics_file() + ": dropped 1 damaged line (NULs, as after a power cut)\n"));
  CHECK(run.metrics() == run.metrics("whole"));
}

TEST_CASE("a full disk while the log is written ends the run", "[slow]") {
  const TinyRun run;
  // The config is shorter than the limit, the log of 36 steps longer.
  const std::vector<std::string> arguments = {"pairs.batch=1", "model.batch_norm=joint", "train.epochs=3",
                                              "data.eval=null", "checkpoint.every_epochs=3"};
  const test::Outcome outcome = run.train(arguments, no_file_over(6144));
  check_failed(outcome, run.metrics_file() + ": cannot write", 1);
  CHECK_FALSE(has_temporary_files(run.path("run")));
  CHECK(std::filesystem::is_empty(run.path("run/checkpoints")));
  std::vector<std::string> resumed = arguments;
  resumed.emplace_back("--resume");
  run.must_train(resumed);
  CHECK(run.metrics().size() == 39);
}

TEST_CASE("a run that ends between writing a checkpoint and naming it goes on before that") {
  const TinyRun run;
  run.must_train({run.output("whole"), "train.epochs=1"});
  // Something in the way of the name best: the run ends between writing a checkpoint and naming it.
  run.dir().write("run/checkpoints/best.safetensors/in-the-way", "");
  check_failed(run.train({"train.epochs=1"}), run.best() + ": cannot rename: ", 1);
  CHECK(std::filesystem::exists(run.last()));  // as it was saved before the evaluation
  std::filesystem::remove_all(run.best());
  run.must_train({"train.epochs=1", "--resume"});
  CHECK((test::read_file(run.best()) == test::read_file(run.last())));
  CHECK(run.metrics() == run.metrics("whole"));
  CHECK_FALSE(has_temporary_files(run.path("run")));
}

TEST_CASE("a loss that is not finite ends the run") {
  const TinyRun run;
  const auto check_diverged = [&](const std::vector<std::string>& arguments) {
    const test::Outcome outcome = run.train(arguments);
    check_failed(outcome, "is not a finite number", 1);
    CHECK(test::has_part(outcome.error, "lower the learning rate"));
    CHECK_FALSE(test::has_part(test::read_file(run.metrics_file()), "null"));
    CHECK_FALSE(std::filesystem::exists(run.best()));
    CHECK_FALSE(has_temporary_files(run.path("run")));
    std::filesystem::remove_all(run.path("run"));
  };
  // Found by the loss of a step, and by the evaluation: networks that say NaN are not right, they have diverged.
  check_diverged({"optimizer.lr=1000", "schedule.warmup=0", "data.eval=null", "checkpoint.every_epochs=10",
                  "train.epochs=10", "schedule.type=constant"});
  check_diverged({"optimizer.lr=1000", "schedule.warmup=0", "schedule.type=constant"});
  // Read with the losses of two good steps.
  check_diverged({"optimizer.lr=1000", "schedule.warmup=0", "data.eval=null", "checkpoint.every_epochs=10",
                  "train.epochs=10", "schedule.type=constant", "train.losses_every=3"});
}

TEST_CASE("a last step that diverges does not end as done") {
  const TinyRun run;
  // The third step's loss is finite, its gradient is not; nothing comes after it that would notice.
  check_failed(run.train({"optimizer.lr=1000", "schedule.warmup=0", "schedule.type=constant", "data.eval=null",
                          "checkpoint.every_steps=1", "train.epochs=1"}),
               "step 3: the gradient is not a finite number", 1);
  CHECK(test::state_of(run.last()).at("step") == 2);
  CHECK_FALSE(std::filesystem::exists(run.best()));
}

TEST_CASE("a value that is not finite is not saved") {
  const test::TempDir dir;
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 3, {8}});
  initialise(*backend, model, 1);
  Sgd optimizer(*backend, model, SgdOptions{});
  const auto save = [&] {
    return test::error_of([&] { CheckpointSnapshot(*backend, model, optimizer, {{}, {"a"}, {}}).write(dir / "a"); });
  };
  REQUIRE(save().empty());
  const std::string before = test::read_file(dir / "a");
  const auto check_refused = [&](const std::vector<NamedTensor>& tensors, const std::string& name, double value) {
    for (const NamedTensor& t : tensors) {
      if (t.name != name) continue;
      backend->fill(t.tensor(), value);
      CHECK(test::contains(save(), name + " has a value that is not a finite number after step 0: the run diverged; "));
      backend->fill(t.tensor(), 0);
      return;
    }
    FAIL(name);
  };
  check_refused(model.state(), "layer1.0.bn1.running_mean", NAN);
  check_refused(model.state(), "embedding.0.bias", -HUGE_VAL);
  check_refused(optimizer.state(), "momentum.fc.weight", HUGE_VAL);
  CHECK((test::read_file(dir / "a") == before));
  CHECK_FALSE(has_temporary_files(dir.path().string()));
}

}  // namespace
}  // namespace tandem
