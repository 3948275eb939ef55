#include "core/measured_choices.h"

#include <limits>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem::test {
namespace {

const std::vector<std::string> kWays{"a", "b", "c"};
constexpr double kNever = std::numeric_limits<double>::infinity();

/// Ways that take fixed times, and how often each was timed.
struct FakeTimer {
  std::vector<double> seconds;
  std::vector<int> calls = std::vector<int>(seconds.size());
  MeasuredChoices::Timer timer() {
    return [this](std::size_t way) {
      ++calls[way];
      return seconds[way];
    };
  }
};

}  // namespace

TEST_CASE("A way that fails or is far behind is not timed again") {
  MeasuredChoices choices("machine", "");
  FakeTimer fake{{9.0, kNever, 1.0}};
  CHECK(choices.choose("problem", kWays, fake.timer()) == 2);
  CHECK(fake.calls == std::vector{2, 1, 5});
}

TEST_CASE("A first call that takes long does not count") {
  MeasuredChoices choices("machine", "");
  int calls = 0;
  CHECK(choices.choose("problem", {"a", "b"}, [&](std::size_t way) {
    return way == 0 && ++calls > 1 ? 1.0 : 100.0 - 50.0 * static_cast<double>(way);
  }) == 0);
}

TEST_CASE("Where every way fails, nothing is remembered") {
  MeasuredChoices choices("machine", "");
  FakeTimer failing{{kNever, kNever, kNever}}, working{{2.0, 1.0, 3.0}};
  CHECK(choices.choose("problem", kWays, failing.timer()) == 0);
  CHECK_FALSE(choices.find("problem", kWays));
  CHECK(choices.choose("problem", kWays, working.timer()) == 1);
}

TEST_CASE("What another process measured in the meantime is found") {
  const TempDir folder;
  const std::string file = folder / "choices.txt";
  MeasuredChoices first("machine", file), second("machine", file);
  FakeTimer b{{2.0, 1.0, 3.0}}, c{{2.0, 3.0, 1.0}};
  CHECK(first.choose("problem", kWays, b.timer()) == 1);
  CHECK(second.choose("problem", kWays, c.timer()) == 1);
  CHECK(c.calls == std::vector{0, 0, 0});
}

}  // namespace tandem::test
