#include "train/checkpoint/run_state.h"

#include "io/safetensors.h"
#include "tests/support/same_run.h"

namespace tandem {
namespace {

TEST_CASE("the state of a run reads back as it was written") {
  RunState state;
  state.step = 7;
  state.images = 12;
  state.list = "0123";
  state.epoch_sums = {1.5, 1.0 / 3, 2, 1e-300};
  state.epoch_steps = 2;
  state.matched_weight = 0.1;
  state.loss_scale = {65536, 3};
  state.best_score = 0.5;
  state.best_of = "highest eval.top1";
  state.early_stopping = Patience{"lowest loss.total", 1.0 / 3, 4};
  state.plateau = PlateauState{0.1 + 0.2, {"highest eval.top1", {}, 2}};
  state.eval_list = "4567";
  state.computed_on = "fp32 on cpu";
  state.autotune = {{"forward 8x8", "winograd"}, {"forward 4x4", "direct"}};
  const nlohmann::json json = to_json(state);
  CHECK(to_json(parse_run_state(nlohmann::json::parse(json.dump()))) == json);
  CHECK(parse_run_state(nlohmann::json::parse(json.dump())) == state);
  CHECK(to_json(parse_run_state(to_json(RunState()))) == to_json(RunState()));
}

TEST_CASE("a state of an earlier version is read") {
  const RunState state = parse_run_state(nlohmann::json::parse(
      R"({"step": 3, "images": 12, "epoch_sums": [4, 1, 2, 3], "epoch_steps": 1, "matched_weight": 0, "best_top1": null})"));
  CHECK(state.step == 3);
  CHECK(state.epoch_sums == std::vector<double>{4, 1, 2, 3});
  CHECK_FALSE(state.loss_scale.has_value());
  CHECK_FALSE(state.eval_list.has_value());
  CHECK_FALSE(state.best_score.has_value());
  CHECK(state.computed_on.empty());
  CHECK(state.autotune.empty());
  CHECK(state.best_of.empty());
  CHECK_FALSE(state.early_stopping.has_value());
  CHECK_FALSE(state.plateau.has_value());
  nlohmann::json json = to_json(state);
  json.erase("best_score");
  json["best_top1"] = 0.75;
  CHECK(parse_run_state(json).best_score == 0.75);
}

TEST_CASE("a state with other losses than the config's is refused") {
  const test::TinyRun run;
  run.must_train({"train.epochs=1"});
  const SafetensorsFile file(run.last());
  SafetensorsMetadata metadata = file.metadata();
  nlohmann::json state = nlohmann::json::parse(metadata.at("tandem.state"));
  state["epoch_sums"].push_back(1);
  metadata["tandem.state"] = state.dump();
  write_safetensors(run.last(), file.entries(), metadata);
  test::check_refused(run.train({"--resume", "train.epochs=2"}),
                      run.last() + ": cannot resume: its state has 5 losses, expected 4");
}

}  // namespace
}  // namespace tandem
