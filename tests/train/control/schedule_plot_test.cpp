#include "train/control/schedule_plot.h"

#include "tests/support/catch.h"
#include "tests/support/errors.h"

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
  const std::string text = plot(Schedule(options, 0.12, 60), epochs);
  const std::size_t end = text.find('\n') + 1;
  CHECK(text.substr(0, end) ==
        "learning rate (polynomial): 0.006 in the first step, highest 0.082 in step 20 (epoch 2), "
        "0.002 in the last, step 60\n");
  CHECK(text.substr(end) == R"(     0.082 |                 ******
           |             *****    *******
           |          ****              *******
           |       ****                       *******
           |     ***                                *******
           |   ***                                        *******
           |****                                                *******
         0 |                                                          **
           +------------------------------------------------------------
            epoch 1                                              epoch 6
)");
}

TEST_CASE("a rate that jumps is drawn as a line, and that of a plateau as if it never fell") {
  ScheduleOptions options{ScheduleOptions::Type::step, 0, {1}, 0.1};
  CHECK(test::contains(plot(Schedule(options, 1, 20, {10}), ten_steps(2)),
                       "\n         1 |*******************************"
                       "\n           |                              *"
                       "\n           |                              *"));
  options = {ScheduleOptions::Type::plateau, 0, {}, 0.5};
  const std::string plateau = plot(Schedule(options, 1, 10), ten_steps(1));
  CHECK(test::contains(plateau, "drawn as if it never fell; it falls to 0.5 times itself after more than 10 epochs"));
  CHECK(test::contains(plateau, "\n         1 |" + std::string(60, '*') + "\n"));
}

}  // namespace
}  // namespace tandem
