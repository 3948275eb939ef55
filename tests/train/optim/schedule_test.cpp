#include "train/optim/schedule.h"

#include <cmath>
#include <numbers>

#include "tests/support/catch.h"
#include "tests/support/errors.h"

namespace tandem {
namespace {

using Type = ScheduleOptions::Type;

bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(std::abs(a), std::abs(b)); }

TEST_CASE("the cosine schedule is the peer's step by step") {
  for (const std::int64_t total : {1, 7, 19, 20, 804}) {
    const Schedule schedule({Type::cosine, 0.05, {}, 0.1}, 0.05, total);
    for (std::int64_t seen = 0; seen < total; ++seen) {
      // As peers write it: lr * min(1, (seen + 1) / max(1, int(0.05 * total))) * 0.5 * (1 + cos(pi * seen / total))
      const int warm_steps = std::max(1, static_cast<int>(0.05 * static_cast<double>(total)));
      const double warm = std::min(1.0, static_cast<double>(seen + 1) / warm_steps);
      const double expected =
          0.05 * warm * 0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(seen) / static_cast<double>(total)));
      CHECK(near(schedule.lr(seen), expected));
    }
  }
}

TEST_CASE("the cosine schedule has known values") {
  const Schedule schedule({Type::cosine, 0.1, {}, 0.1}, 1, 100);  // Warm-up of 10 steps.
  CHECK(near(schedule.lr(0), 0.1));
  CHECK(near(schedule.lr(4), 0.5 * 0.5 * (1 + std::cos(std::numbers::pi * 0.04))));
  CHECK(near(schedule.lr(50), 0.5));
  CHECK(near(schedule.lr(75), 0.5 * (1 - std::numbers::sqrt2 / 2)));
  CHECK(schedule.lr(99) > 0);
  CHECK(schedule.lr(100) == schedule.lr(99));
}

TEST_CASE("the step schedule falls at its milestones") {
  const Schedule schedule({Type::step, 0, {2, 3}, 0.5}, 8, 50, {20, 30});
  CHECK(schedule.lr(0) == 8);
  CHECK(schedule.lr(19) == 8);
  CHECK(schedule.lr(20) == 4);
  CHECK(schedule.lr(29) == 4);
  CHECK(schedule.lr(30) == 2);
  CHECK(schedule.lr(49) == 2);
}

TEST_CASE("the constant schedule warms up and stays") {
  const Schedule schedule({Type::constant, 0.5, {}, 0.1}, 4, 8);
  CHECK(schedule.lr(0) == 1);
  CHECK(schedule.lr(1) == 2);
  CHECK(schedule.lr(2) == 3);
  CHECK(schedule.lr(3) == 4);
  CHECK(schedule.lr(7) == 4);
  CHECK(Schedule({Type::constant, 0, {}, 0.1}, 4, 8).lr(0) == 4);
  CHECK(Schedule({Type::constant, 1, {}, 0.1}, 4, 8).lr(3) == 2);
}

TEST_CASE("a schedule without steps is an error") {
  CHECK(test::error_of([] { Schedule({}, 1, 0); }) == "1: schedule: got 0 steps, expected at least 1");
}

}  // namespace
}  // namespace tandem
