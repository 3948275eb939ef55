// A run that averages its weights, and one that accumulates gradients, as their user sees them.

#include "tests/support/same_run.h"

namespace tandem {
namespace {

using nlohmann::json;
using test::has_part;
using test::Outcome;
using test::TinyRun;

std::vector<std::byte> bytes_of(const SafetensorsFile& file, const std::string& name) {
  const SafetensorsEntry* tensor = file.find(name);
  INFO(name);
  REQUIRE(tensor != nullptr);
  return {tensor->data.begin(), tensor->data.end()};
}

/// The events of a kind, "step" or "epoch".
std::vector<json> events(const TinyRun& run, const std::string& kind, const std::string& folder) {
  std::vector<json> found;
  for (const json& event : run.metrics(folder))
    if (event.at("event") == kind) found.push_back(event);
  return found;
}

TEST_CASE("the average is evaluated and kept beside the weights, decides what is best, and does not touch training") {
  const TinyRun run;
  run.must_train({run.output("plain")});
  const Outcome outcome = run.must_train({R"(ema={"decay":0.5,"warmup":false})"});
  CHECK(has_part(outcome.error, "weights are averaged, decay 0.5\n"));
  CHECK(has_part(outcome.error, ", averaged weights "));
  CHECK(has_part(outcome.error, "done: " + run.best() + ", for its averaged weights\n"));
  CHECK(events(run, "step", "run") == events(run, "step", "plain"));

  double best = -1;
  const auto epochs = events(run, "epoch", "run"), plain = events(run, "epoch", "plain");
  REQUIRE(epochs.size() == plain.size());
  bool differ = false;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    CHECK(epochs[i].at("eval") == plain[i].at("eval"));
    CHECK_FALSE(plain[i].contains("eval_ema"));
    const json& averaged = epochs[i].at("eval_ema");
    for (const char* key : {"top1", "top5", "loss"}) CHECK(averaged.at(key).is_number());
    best = std::max(best, averaged.at("top1").get<double>());
    differ = differ || averaged.at("loss") != epochs[i].at("eval").at("loss");
  }
  CHECK(differ);
  CHECK(test::state_of(run.last()).at("best_score") == best);

  const SafetensorsFile file(run.last()), without(run.last("plain"));
  std::size_t averages = 0;
  for (const SafetensorsEntry& entry : without.entries()) {
    CHECK((bytes_of(file, entry.name) == bytes_of(without, entry.name)));
    if (!entry.name.starts_with("model.")) continue;
    ++averages;
    CHECK(bytes_of(file, "ema." + entry.name.substr(6)).size() == entry.data.size());
  }
  CHECK(file.entries().size() == without.entries().size() + averages);
  for (const char* name : {"conv1.weight", "fc.bias", "layer4.1.bn2.running_mean"})
    CHECK((bytes_of(file, std::string("ema.") + name) != bytes_of(file, std::string("model.") + name)));
}

TEST_CASE("a run starts its weights and its average from the average of another, and resumes only with its own") {
  const TinyRun run;
  const std::string ema = R"(ema={"decay":0.5,"warmup":false})";
  run.must_train({"train.epochs=1", ema, run.output("first")});
  // The rate is so small that an f32 weight stays what it was.
  run.must_train({"train.epochs=1", ema, "optimizer.lr=1e-30", "schedule.warmup=0", "optimizer.weight_decay=0",
                  "model.weights=" + run.last("first")});
  const SafetensorsFile first(run.last("first")), second(run.last());
  for (const char* name : {"conv1.weight", "layer3.0.downsample.0.weight", "embedding.0.weight", "fc.bias"}) {
    const std::vector<std::byte> begun = bytes_of(first, std::string("ema.") + name);
    CHECK((begun != bytes_of(first, std::string("model.") + name)));
    CHECK((bytes_of(second, std::string("model.") + name) == begun));
    CHECK((bytes_of(second, std::string("ema.") + name) == begun));
  }
  test::check_refused(run.train({"--resume", "train.epochs=2", run.output("first")}),
                      R"(cannot resume: /ema is {"decay":0.5,)");
}

TEST_CASE("a run that accumulates has steps of several batches, in all that counts steps and images", "[slow]") {
  const TinyRun run;
  run.must_train({"pairs.batch=4", "data.eval=null", run.output("large")});
  const Outcome outcome = run.must_train({"pairs.batch=2", "pairs.accumulate=2", "data.eval=null"});
  CHECK(has_part(outcome.error, "4 pairs per step, 9 steps in 3 epochs\n"));
  CHECK(
      has_part(outcome.error, "each step accumulates 2 batches of 2 pairs: losses and batch norm see one batch at a"));
  const auto large = events(run, "step", "large"), steps = events(run, "step", "run");
  REQUIRE(steps.size() == large.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].at("epoch") == large[i].at("epoch"));
    CHECK(steps[i].at("lr") == large[i].at("lr"));
  }
  CHECK(events(run, "epoch", "run").size() == 3);
  const Outcome dry = run.must_train({"--dry-run", "pairs.batch=2", "pairs.accumulate=2", run.output("dry")});
  CHECK(has_part(dry.error, ", the run's 9 steps about "));
  test::check_refused(run.train({"pairs.accumulate=3", run.output("refused")}),
                      "/pairs/accumulate: 15 pairs per step from 12 training images; expected at most 12");
}

}  // namespace
}  // namespace tandem
