// A checkpoint as a run writes it now, as runs wrote it before checkpoints described their models, and stripped: what
// tandem-eval and tandem-predict make of it is the same.

#include "inference/model/model_file.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using nlohmann::json;
using test::check_refused;
using test::Outcome;
using test::run_to_end;
using test::TinyRun;

/// Writes a copy of a checkpoint with other metadata.
void rewrite(const std::string& from, const std::string& to, const std::function<void(SafetensorsMetadata&)>& change) {
  const SafetensorsFile file(from);
  SafetensorsMetadata metadata = file.metadata();
  change(metadata);
  write_safetensors(to, file.entries(), metadata);
}

/// metrics.json without the checkpoint's name, and what tandem-predict prints.
struct Results {
  json metrics;
  std::string lines;
  bool operator==(const Results&) const = default;
};

Results results(const TinyRun& run, const std::string& checkpoint) {
  const Outcome evaluated =
      run_to_end({"tandem-eval", checkpoint, "--data", run.path("set/test.txt"), "--out", run.path("eval")});
  INFO(evaluated.error);
  REQUIRE(evaluated.status == 0);
  const Outcome predicted = run_to_end({"tandem-predict", checkpoint, run.path("set/test"), "--backbone-features"});
  INFO(predicted.error);
  REQUIRE(predicted.status == 0);
  json metrics = json::parse(test::read_file(run.path("eval/metrics.json")));
  metrics.erase("checkpoint");
  return {metrics, predicted.out};
}

void strip(const std::string& from, const std::string& to) {
  const Outcome outcome = run_to_end({"tandem-train", "--strip", from, to});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.out == "written: " + to + "\n");
  CHECK(outcome.error.empty());
}

TEST_CASE("an old checkpoint and a stripped one give the results of the run's own", "[slow]") {
  for (const std::string weight : {"0.1", "0", "\"match_softmax\""}) {
    CAPTURE(weight);
    const TinyRun run;
    run.must_train({"train.epochs=1", "loss.contrastive.weight=" + weight});
    const std::string old = run.path("old"), stripped = run.path("stripped"), both = run.path("old_stripped");
    rewrite(run.last(), old, [](SafetensorsMetadata& m) { REQUIRE(m.erase("tandem.model") == 1); });
    strip(run.last(), stripped);
    strip(old, both);
    const Results expected = results(run, run.last());
    CHECK(expected.metrics.contains("embedding_note") == (weight == "0"));
    CHECK(results(run, old) == expected);
    CHECK(results(run, stripped) == expected);
    CHECK((test::read_file(both) == test::read_file(stripped)));
    // Velocities are as large as the weights.
    CHECK(std::filesystem::file_size(stripped) < 0.52 * static_cast<double>(std::filesystem::file_size(run.last())));
  }
}

TEST_CASE("the averaged weights are what is evaluated and labels images, unless those of the last step are asked for") {
  const TinyRun run;
  run.must_train({"train.epochs=2", R"(ema={"decay":0.9,"warmup":false})"});
  const std::string averaged = run.path("averaged"), last = run.path("last_step");
  const Outcome kept = run_to_end({"tandem-train", "--strip", run.last(), averaged});
  CHECK(kept.out == "written: " + averaged + ", the averaged weights\n");
  const Outcome raw = run_to_end({"tandem-train", "--strip", run.last(), last, "--weights", "raw"});
  CHECK(raw.out == "written: " + last + "\n");

  Results by_default = results(run, run.last());
  CHECK(by_default.metrics.at("weights") == "ema");
  CHECK(by_default.metrics.erase("weights") == 1);
  CHECK(by_default == results(run, averaged));
  CHECK_FALSE(by_default == results(run, last));
  const Outcome asked =
      run_to_end({"tandem-predict", run.last(), run.path("set/test"), "--backbone-features", "--weights", "raw"});
  CHECK(asked.out == results(run, last).lines);
  CHECK(asked.error.empty());
  const Outcome told = run_to_end({"tandem-predict", run.last(), run.path("set/test")});
  CHECK(told.error == "with the averaged weights; --weights raw takes those of the last step\n");
  check_refused(run_to_end({"tandem-predict", averaged, run.path("set/test"), "--weights", "ema"}),
                averaged + ": has no averaged weights");
  check_refused(run_to_end({"tandem-predict", averaged, run.path("set/test"), "--weights", "old"}),
                "weights: got \"old\", expected one of \"auto\", \"raw\", \"ema\"");
  check_refused(run_to_end({"tandem-train", run.path("config.json"), "--weights", "raw"}), "--strip");
}

TEST_CASE("a model is run without a look at how it was trained") {
  const TinyRun run;
  run.must_train({"train.epochs=1"});
  const std::string odd = run.path("odd");
  rewrite(run.last(), odd, [](SafetensorsMetadata& m) { m.at("tandem.config") = R"({"of": "another version"})"; });
  CHECK(results(run, odd) == results(run, run.last()));
  const std::string later = run.path("later");
  rewrite(run.last(), later, [](SafetensorsMetadata& m) {
    json model = json::parse(m.at("tandem.model"));
    model["backbone"]["name"] = "resnet19";
    m.at("tandem.model") = model.dump();
  });
  check_refused(run_to_end({"tandem-predict", later, run.path("set/test")}),
                later + ": backbone: got \"resnet19\", expected one of \"resnet18\"");
}

TEST_CASE("a classifier that was not trained is told of") {
  const TinyRun run;
  run.must_train({"train.epochs=1", "loss.softmax.weight=0"});
  const Outcome outcome = run_to_end({"tandem-predict", run.last(), run.path("set/test"), "--embeddings"});
  CHECK(outcome.status == 0);
  CHECK(outcome.error ==
        "warning: the classifier was not trained (softmax weight 0): labels are no better than chance\n");
}

}  // namespace
}  // namespace tandem
