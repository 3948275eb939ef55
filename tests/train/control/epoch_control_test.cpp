#include "train/control/epoch_control.h"

#include "tests/support/catch.h"
#include "tests/support/errors.h"

namespace tandem {
namespace {

using test::error_of;

Figures figures(double top1, double loss) { return {{"loss.total", loss}, {"eval.top1", top1}, {"eval.loss", loss}}; }

Config config(const std::string& more) {
  return parse_config(R"({"data": {"train": {"list": "a"}, "eval": {"list": "b"}})" + more + "}", "my.json");
}

EpochControl control(const std::string& more) { return {config(more), figures(0, 0)}; }

RunState begun(const EpochControl& control) {
  RunState state;
  control.begin(state);
  return state;
}

TEST_CASE("the best epoch is that of the highest top-1, of the highest recall@1, or of what the config names") {
  const EpochControl usual = control("");
  RunState state = begun(usual);
  CHECK(usual.end_epoch(figures(0.5, 1), state));
  CHECK_FALSE(usual.end_epoch(figures(0.5, 0.5), state));
  CHECK(usual.end_epoch(figures(0.75, 3), state));
  CHECK(state.best_score == 0.75);
  CHECK(usual.best_note(state) == "best");

  const EpochControl recall(config(""), {{"loss.total", 0}, {"eval.top1", 0}, {"eval.recall_at_1", 0}});
  CHECK(recall.best()->text() == "highest eval.recall_at_1");

  const EpochControl by_loss = control(R"(, "checkpoint": {"best": {"figure": "eval.loss"}})");
  state = begun(by_loss);
  CHECK(by_loss.end_epoch(figures(0.5, 1), state));
  CHECK_FALSE(by_loss.end_epoch(figures(0.75, 3), state));
  CHECK(by_loss.end_epoch(figures(0.25, 0.5), state));
  CHECK(by_loss.best_note(state) == "best eval.loss 0.5000");
}

TEST_CASE("without an evaluation the latest epoch is the best, unless a figure of the training is named") {
  Config none = config("");
  none.data.eval.reset();
  const Figures logged = {{"loss.total", 0}};
  CHECK_FALSE(EpochControl(none, logged).best().has_value());
  none.checkpoint.best.mode = FigureOptions::Mode::min;
  CHECK(error_of([&] { EpochControl(none, logged); }) ==
        "2: /checkpoint/best/mode: there is no evaluation, expected a /checkpoint/best/figure beside it");
  none.checkpoint.best.figure = "loss.total";
  CHECK(EpochControl(none, logged).best()->text() == "lowest loss.total");
  none.checkpoint.best.figure = "eval.top1";
  CHECK(test::contains(error_of([&] { EpochControl(none, logged); }), "/checkpoint/best/figure: got \"eval.top1\""));
}

TEST_CASE("a run stops early after epochs in a row that are not better by enough") {
  const EpochControl stops = control(R"(, "train": {"early_stopping": {"patience": 2, "min_delta": 0.1}})");
  RunState state = begun(stops);
  CHECK(stops.why_stopped(state).empty());
  for (const double top1 : {0.2, 0.25, 0.5, 0.45, 0.7, 0.75}) {
    (void)stops.end_epoch(figures(top1, 0), state);
    CHECK(stops.why_stopped(state).empty());
  }
  (void)stops.end_epoch(figures(0.79, 0), state);
  CHECK(stops.why_stopped(state) == "top-1 has not been better than 0.7 by 0.1 for 2 epochs (train.early_stopping)");
  CHECK(state.best_score == 0.79);  // which needs no difference
}

TEST_CASE("the rate of a plateau falls by the figure that the config names") {
  const std::string more =
      R"(, "optimizer": {"lr": 8}, "schedule": {"type": "plateau", "patience": 1, "gamma": 0.5, "figure": ")";
  for (const std::string name : {"loss.total", "eval.top1"}) {
    const EpochControl plateau = control(more + name + "\"}");
    RunState state = begun(plateau);
    REQUIRE(state.plateau.has_value());
    CHECK(state.plateau->rate == 8);
    for (const double loss : {3.0, 2.0, 1.0}) (void)plateau.end_epoch(figures(0.5, loss), state);
    CHECK(state.plateau->rate == (name == "loss.total" ? 8 : 4));
  }
}

TEST_CASE("what was found of another figure, or on another list, is forgotten and told") {
  const std::string patient = R"(, "train": {"early_stopping": {"patience": 3, "figure": "loss.total"}})";
  const EpochControl before = control(patient);
  RunState state = begun(before);
  (void)before.end_epoch(figures(0.5, 1), state);
  (void)before.end_epoch(figures(0.25, 2), state);
  const auto go_on = [&](const std::string& more, bool other_list) {
    RunState now = state;
    std::string told = control(more).go_on(now, other_list);
    return std::pair{now, told};
  };
  CHECK(go_on(patient, false) == std::pair{state, std::string()});

  const auto [other_list, told_list] = go_on(patient, true);
  CHECK(told_list == "the evaluation list has changed: the best top-1 so far, 0.500, no longer counts\n");
  CHECK_FALSE(other_list.best_score.has_value());
  CHECK(other_list.early_stopping == state.early_stopping);  // the training's

  const auto [by_loss, told_loss] = go_on(R"(, "checkpoint": {"best": {"figure": "eval.loss"}})", false);
  CHECK(told_loss == "the best epoch is now that of the lowest eval.loss: the best so far no longer counts\n");
  CHECK_FALSE(by_loss.best_score.has_value());
  CHECK(by_loss.best_of == "lowest eval.loss");
  CHECK_FALSE(by_loss.early_stopping.has_value());

  const auto [other_figure, told_patience] = go_on(R"(, "train": {"early_stopping": {"patience": 3}})", false);
  CHECK(told_patience == "train.early_stopping begins to count anew, by the highest eval.top1\n");
  CHECK(other_figure.early_stopping == Patience{"highest eval.top1", {}, 0});
  CHECK(other_figure.best_score == 0.5);

  // A checkpoint of an earlier version does not say what its best is of: of what is usual.
  state.best_of.clear();
  CHECK(go_on("", false).first.best_score == 0.5);
  CHECK_FALSE(go_on(R"(, "checkpoint": {"best": {"figure": "eval.loss"}})", false).first.best_score.has_value());
}

}  // namespace
}  // namespace tandem
