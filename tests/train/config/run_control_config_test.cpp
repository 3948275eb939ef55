// The keys of the schedule, and of what ends a run.

#include "tests/support/catch.h"
#include "tests/train/config/small_config.h"

namespace tandem {
namespace {

using test::config_with;
using test::contains;
using test::error_in;
using test::parse;

TEST_CASE("options of schedules and of a run's end that cannot be used are refused") {
  for (const char* text : {R"("schedule": {"type": "multistep"})",
                           R"("schedule": {"type": "multistep", "period": 3})",
                           R"("schedule": {"type": "step", "period": 3, "milestones": [3]})",
                           R"("schedule": {"type": "step", "period": 30})",
                           R"("schedule": {"period": 3})",
                           R"("schedule": {"unit": "steps"})",
                           R"("schedule": {"type": "inv", "unit": "steps"})",
                           R"("schedule": {"type": "multistep", "milestones": [3], "power": 2})",
                           R"("schedule": {"type": "polynomial", "power": 0})",
                           R"("schedule": {"type": "polynomial", "gamma": 0.5})",
                           R"("schedule": {"type": "constant", "min_lr": 0.01})",
                           R"("schedule": {"min_lr": 0.06})",
                           R"("schedule": {"cycle_mul": 2})",
                           R"("schedule": {"cycle_decay": 0.5})",
                           R"("schedule": {"type": "constant", "cycles": 2})",
                           R"("schedule": {"cycles": 0})",
                           R"("schedule": {"type": "one_cycle", "warmup": 0.1})",
                           R"("schedule": {"type": "one_cycle", "warmup_steps": 3})",
                           R"("schedule": {"pct_start": 0.5})",
                           R"("schedule": {"div_factor": 10})",
                           R"("schedule": {"final_div_factor": 10})",
                           R"("schedule": {"warmup": 0.1, "warmup_steps": 3})",
                           R"("schedule": {"figure": "eval.top1"})",
                           R"("schedule": {"mode": "max"})",
                           R"("schedule": {"patience": 3})",
                           R"("schedule": {"threshold": 0.01})",
                           R"("schedule": {"type": "plateau", "mode": "up"})",
                           R"("schedule": {"type": "plateau", "patience": -1})",
                           R"("train": {"max_time": 0})",
                           R"("train": {"max_time": -1})",
                           R"("train": {"max_time": "2h30"})",
                           R"("train": {"max_time": true})",
                           R"("train": {"max_time": 1e10})",
                           R"("train": {"evaluate_at_max_time": true})",
                           R"("train": {"evaluate_at_max_time": true, "max_time": 3})",
                           R"("train": {"early_stopping": 3})",
                           R"("train": {"early_stopping": {"patience": 0}})",
                           R"("train": {"early_stopping": {"min_delta": -1}})",
                           R"("checkpoint": {"every_minutes": 0})",
                           R"("checkpoint": {"best": "eval.loss"})",
                           R"("checkpoint": {"best": {"mode": "lowest"}})"}) {
    const std::string error = error_in(config_with(text));
    INFO(text << " -> " << error);
    CHECK(contains(error, "2: my.json:"));
    CHECK_FALSE(contains(error, "\n"));
  }
}

TEST_CASE("an option that the schedule does not use is refused with why") {
  CHECK(error_in(config_with(R"("schedule": {"type": "step"})")) ==
        "2: my.json: /schedule/milestones: got [], expected at least one for the schedule \"step\", or a "
        "/schedule/period");
  CHECK(error_in(config_with(R"("schedule": {"type": "one_cycle", "warmup": 0.1})")) ==
        "2: my.json: /schedule/warmup: got 0.1, expected 0.05, since \"one_cycle\" does not use it");
  CHECK(error_in(config_with(R"("schedule": {"figure": "loss.total"})")) ==
        "2: my.json: /schedule/figure: got \"loss.total\", expected null, since \"cosine\" does not use it");
  CHECK(error_in(config_with(R"("schedule": {"min_lr": 0.06})")) ==
        "2: my.json: /schedule/min_lr: got 0.06, expected at most /optimizer/lr, which is 0.05");
  CHECK(error_in(config_with(R"("train": {"evaluate_at_max_time": true, "max_time": 3})")) ==
        "2: my.json: /train/evaluate_at_max_time: true, and there is no /data/eval to evaluate");
}

TEST_CASE("a time is minutes, or a text") {
  const auto minutes = [](const std::string& json) {
    const Config config = parse(config_with(R"("train": {"max_time": )" + json + "}"));
    CHECK(parse(to_json(config).dump()) == config);
    return config.train.max_time;
  };
  CHECK(minutes("90") == 90.0);
  CHECK(minutes("\"2h30m\"") == 150.0);
  CHECK(minutes("\"10s\"") == Approx(1.0 / 6));
  CHECK_FALSE(minutes("null").has_value());
  CHECK(parse(config_with(R"("seed": 1)"), {"train.max_time=1d"}).train.max_time == 1440.0);
}

TEST_CASE("every schedule's options read back") {
  for (
      const char* schedule :
      {R"({"min_lr": 0.01, "cycles": 3, "cycle_mul": 2, "cycle_decay": 0.5})", R"({"type": "step", "period": 29})",
       R"({"type": "multistep", "unit": "steps", "milestones": [100000000], "warmup_steps": 0})",
       R"({"type": "exponential", "unit": "steps", "gamma": 0.999})",
       R"({"type": "polynomial", "power": 0.5, "min_lr": 0.05})", R"({"type": "inv", "gamma": 1e-4, "power": 0.75})",
       R"({"type": "one_cycle", "pct_start": 0, "div_factor": 1, "final_div_factor": 3})",
       R"({"type": "plateau", "figure": "loss.total", "mode": "min", "patience": 0, "threshold": 0, "min_lr": 1e-5})"}) {
    INFO(schedule);
    const Config config = parse(config_with(R"("schedule": )" + std::string(schedule)));
    CHECK(parse(to_json(config).dump()) == config);
    CHECK_FALSE(config.schedule == ScheduleOptions());
  }
}

}  // namespace
}  // namespace tandem
