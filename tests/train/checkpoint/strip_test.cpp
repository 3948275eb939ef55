// Checkpoints without the state of optimizer and run, for shipping.

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using test::check_failed;
using test::check_refused;
using test::Outcome;
using test::run_to_end;
using test::TinyRun;

Outcome strip(const std::string& from, const std::string& to, const test::ProgramOptions& options = {}) {
  return run_to_end({"tandem-train", "--strip", from, to}, options);
}

TEST_CASE("a run starts from a stripped checkpoint's weights and cannot be resumed from it") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string stripped = run.path("stripped.safetensors");
  REQUIRE(strip(run.last(), stripped).status == 0);

  const auto from = [&](const std::string& weights, const std::string& folder) {
    const Outcome outcome =
        run.must_train({"train.epochs=1", "seed=2", "model.weights=" + weights, run.output(folder)});
    CHECK(test::has_part(outcome.error, "weights from " + weights + "\n"));
  };
  from(run.last(), "from_whole");
  from(stripped, "from_stripped");
  CHECK(run.metrics("from_stripped") == run.metrics("from_whole"));
  CHECK(test::state_of(run.last("from_stripped")) == test::state_of(run.last("from_whole")));

  std::filesystem::rename(stripped, run.last());
  const auto before = test::snapshot(run.path("run"));
  check_refused(run.train({"--resume", "train.epochs=2"}),
                run.last() + ": a model without a run's state, as tandem-train --strip leaves it");
  CHECK(test::snapshot(run.path("run")) == before);
}

TEST_CASE("stripping that fails leaves everything as it was") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  run.dir().write("earlier", "earlier");
  run.dir().write("image.png", "no checkpoint");
  const auto before = test::snapshot(run.path("."));
  check_refused(strip(run.last(), run.last()), run.last() + ": the checkpoint itself");
  check_refused(strip(run.path("run/../run/checkpoints/last.safetensors"), run.last()), "the checkpoint itself");
  check_refused(strip(run.last(), run.path("set")), run.path("set") + ": not a file");
  check_refused(strip(run.last(), run.path("earlier/x")), run.path("earlier"));
  check_refused(strip(run.path("image.png"), run.path("earlier")), run.path("image.png") + ": ");
  check_refused(strip(run.path("nowhere"), run.path("earlier")), run.path("nowhere"));
  test::ProgramOptions full;
  full.file_limit = 1 << 20;
  check_failed(strip(run.last(), run.path("earlier"), full), run.path("earlier"), 1);
  check_refused(run_to_end({"tandem-train", "--strip", run.last()}), "--strip");
  check_refused(run_to_end({"tandem-train", run.path("config.json"), "--strip", run.last(), run.path("out")}),
                "excludes");
  check_refused(run_to_end({"tandem-train", "--strip", run.last(), run.path("out"), "--resume"}), "excludes");
  CHECK(test::snapshot(run.path(".")) == before);
}

}  // namespace
}  // namespace tandem
