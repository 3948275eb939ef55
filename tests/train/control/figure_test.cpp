#include "train/control/figure.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/errors.h"

namespace tandem {
namespace {

using test::error_of;

const Figures kLogged = {{"loss.total", 1}, {"loss.softmax_a", 2}, {"eval.top1", 0.5}, {"eval.loss", 3}};

FigureOptions named(const std::string& name) { return {name, {}}; }

TEST_CASE("figures are the numbers within the objects of an epoch's line") {
  const auto event = nlohmann::ordered_json::parse(
      R"({"event": "epoch", "epoch": 3, "loss": {"total": 1, "softmax_a": 2}, "lr": 0.1, "images_per_s": 7,
          "eval": {"top1": 0.5, "top5": null, "ema": {"top1": 0.75}}})");
  CHECK(figures_in(event) ==
        Figures{{"loss.total", 1}, {"loss.softmax_a", 2}, {"eval.top1", 0.5}, {"eval.ema.top1", 0.75}});
}

TEST_CASE("of a loss less is better, of all others more, unless the config says") {
  CHECK(choose_figure(named("eval.top1"), "/x", "", kLogged).text() == "highest eval.top1");
  CHECK(choose_figure(named("eval.loss"), "/x", "", kLogged).text() == "lowest eval.loss");
  CHECK(choose_figure(named("loss.softmax_a"), "/x", "", kLogged).text() == "lowest loss.softmax_a");
  CHECK(choose_figure({}, "/x", "loss.total", kLogged).text() == "lowest loss.total");
  CHECK(choose_figure({"eval.loss", FigureOptions::Mode::max}, "/x", "", kLogged).text() == "highest eval.loss");
  CHECK(choose_figure({{}, FigureOptions::Mode::min}, "/x", "eval.top1", kLogged).text() == "lowest eval.top1");
}

TEST_CASE("a figure that is not logged is refused with those that are") {
  CHECK(error_of([] { (void)choose_figure(named("val.top1"), "/checkpoint/best/figure", "", kLogged); }) ==
        "2: /checkpoint/best/figure: got \"val.top1\", expected a figure that this run logs at the end of an epoch: "
        "\"loss.total\", \"loss.softmax_a\", \"eval.top1\", \"eval.loss\"");
}

TEST_CASE("better is what lies beyond the best by more than a difference") {
  const Figure rising("eval.top1", true), falling("eval.loss", false);
  CHECK(rising.is_better(0.5, 0.4));
  CHECK_FALSE(rising.is_better(0.5, 0.5));
  CHECK_FALSE(rising.is_better(0.5, 0.4, 0.25));
  CHECK(falling.is_better(0.4, 0.5));
  CHECK_FALSE(falling.is_better(0.5, 0.4));
  CHECK_FALSE(falling.is_better(0.4, 0.5, 0.25));
  CHECK(falling.is_better(1e9, {}));
  CHECK_FALSE(rising.is_better(NAN, {}));
  CHECK_FALSE(rising.is_better(HUGE_VAL, 1));
}

}  // namespace
}  // namespace tandem
