#include "train/control/schedule_plot.h"

#include "tests/support/catch.h"

namespace tandem {
namespace {

/// Epochs of ten steps.
Epochs ten_steps(int count) {
  PairOptions pairs;
  pairs.batch = 2;
  return {PairStream(std::vector<std::int32_t>(20), pairs, 1), count};
}

TEST_CASE("a schedule is drawn over its epochs, with its first, highest and last rate") {
  ScheduleOptions options{ScheduleOptions::Type::polynomial, 0, {}, 0.1};
  options.warmup_steps = 20;
  const Epochs epochs = ten_steps(6);
  REQUIRE(epochs.total_steps() == 60);
  CHECK(plot(Schedule(options, 0.12, 60), epochs) ==
        R"(learning rate (polynomial): 0.006 in the first step, highest 0.0861 in step 17 (epoch 2), 0.002 in the last, step 60
)");
}

}  // namespace
}  // namespace tandem
