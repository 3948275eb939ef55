#include "train/control/time_limit.h"

#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("a time is days, hours, minutes and seconds") {
  CHECK(parse_minutes("2h30m") == 150.0);
  CHECK(parse_minutes("90m") == 90.0);
  CHECK(parse_minutes("1.5h") == 90.0);
  CHECK(parse_minutes("1d1h1m") == 1501.0);
  CHECK(parse_minutes("45s") == Approx(0.75).epsilon(1e-15));
  for (const char* wrong : {"", "2", "h", "2h30", "30m2h", "2h2h", "2 h", "-2h", "2x", "1.2.3h", ".h", "0m", "1e3m"}) {
    INFO(wrong);
    CHECK_FALSE(parse_minutes(wrong).has_value());
  }
}

TEST_CASE("without a limit the time is never up") {
  CHECK_FALSE(TimeLimit({}).is_up());
  CHECK_FALSE(TimeLimit(1e9).is_up());
  CHECK(TimeLimit(1e-30).is_up());
}

}  // namespace
}  // namespace tandem
