#include "core/backend/autotune_cache.h"

#include <fstream>
#include <limits>
#include <sstream>

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
  AutotuneCache::Timer timer() {
    return [this](std::size_t way) {
      ++calls[way];
      return seconds[way];
    };
  }
};

/// The choice of the way that a timer takes for the fastest, if it is asked.
std::size_t chosen(AutotuneCache& choices, std::size_t fastest) {
  FakeTimer fake{{2.0, 2.0, 2.0}};
  fake.seconds[fastest] = 1.0;
  return choices.choose("problem", kWays, fake.timer());
}

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("The fastest way is chosen, and measured once") {
  AutotuneCache choices("machine", "");
  for (std::size_t fastest = 0; fastest < kWays.size(); ++fastest) {
    FakeTimer fake{{2.0, 2.0, 2.0}}, never{{1.0, 1.0, 1.0}};
    fake.seconds[fastest] = 1.0;
    const std::string problem = "problem " + kWays[fastest];
    CHECK(choices.choose(problem, kWays, fake.timer()) == fastest);
    CHECK(choices.choose(problem, kWays, never.timer()) == fastest);
    CHECK(never.calls == std::vector{0, 0, 0});
  }
}

TEST_CASE("Nothing is measured where there is no choice") {
  AutotuneCache choices("machine", "");
  FakeTimer fake{{1.0}};
  CHECK(choices.choose("problem", {"a"}, fake.timer()) == 0);
  CHECK(fake.calls == std::vector{0});
}

TEST_CASE("Choices outlive the process in a file, for the same machine") {
  const TempDir folder;
  const std::string file = folder / "below/choices.txt";
  AutotuneCache first("machine", file);
  CHECK(chosen(first, 2) == 2);
  AutotuneCache same("machine", file), other("another machine", file);
  CHECK(chosen(same, 0) == 2);
  CHECK(chosen(other, 0) == 0);
  CHECK(content_of(file) == "machine\tproblem\tc\nanother machine\tproblem\ta\n");
  // A way that is not offered any more is not taken.
  FakeTimer fake{{1.0, 2.0}};
  CHECK(same.choose("problem", {"a", "b"}, fake.timer()) == 0);
}

TEST_CASE("Lines that make no sense are passed over") {
  const TempDir folder;
  const auto file = folder.write("choices.txt",
                                 "\n\t\t\nmachine\nmachine\tproblem\nmachine\tproblem\tmagic\n"
                                 "machine\tproblem\tb\nmachine\tproblem\ta\n");
  AutotuneCache choices("machine", file);
  CHECK(chosen(choices, 2) == 1);  // the first line that makes sense
}

TEST_CASE("Choices that cannot be written are kept in memory") {
  AutotuneCache choices("machine", "/proc/no/such/folder/choices.txt");
  CHECK_FALSE(choices.is_persistent());
  CHECK(choices.why_not_kept() == "cannot write /proc/no/such/folder/choices.txt: No such file or directory");
  CHECK(AutotuneCache("machine", "").why_not_kept() == "no folder for them is known");
  CHECK(chosen(choices, 1) == 1);
  CHECK(chosen(choices, 0) == 1);
}

TEST_CASE("A run that goes on computes as it began, whatever has been measured since") {
  const TempDir folder;
  const std::string file = (folder / "choices.txt").string();
  AutotuneChoices kept;
  {
    AutotuneCache first("machine", file), second("machine", file);
    CHECK(first.choices().empty());
    // Two runs at once: each has measured before the other has written.
    CHECK(chosen(first, 1) == 1);
    std::filesystem::rename(file, file + ".first");
    CHECK(chosen(second, 2) == 2);
    std::filesystem::rename(file + ".first", file);
    kept = second.choices();
  }
  CHECK(kept == AutotuneChoices{{"problem", "c"}});
  for (const std::string& cache : {file, std::string(), std::string("/proc/no/such/folder/choices.txt")}) {
    AutotuneCache resumed("machine", cache);
    resumed.adopt(kept);
    CHECK(resumed.choices() == kept);
    CHECK(chosen(resumed, 0) == 2);
  }
  AutotuneCache other("machine", file);
  other.adopt({{"problem", "a way that is gone"}});
  CHECK(chosen(other, 0) == 1);
  CHECK(other.choices() == AutotuneChoices{{"problem", "b"}});
}

TEST_CASE("A way that fails or is far behind is not timed again") {
  AutotuneCache choices("machine", "");
  FakeTimer fake{{9.0, kNever, 1.0}};
  CHECK(choices.choose("problem", kWays, fake.timer()) == 2);
  CHECK(fake.calls == std::vector{2, 1, 5});
}

TEST_CASE("A first call that takes long does not count") {
  AutotuneCache choices("machine", "");
  int calls = 0;
  CHECK(choices.choose("problem", {"a", "b"}, [&](std::size_t way) {
    return way == 0 && ++calls > 1 ? 1.0 : 100.0 - 50.0 * static_cast<double>(way);
  }) == 0);
}

TEST_CASE("Where every way fails, nothing is remembered") {
  AutotuneCache choices("machine", "");
  FakeTimer failing{{kNever, kNever, kNever}}, working{{2.0, 1.0, 3.0}};
  CHECK(choices.choose("problem", kWays, failing.timer()) == 0);
  CHECK_FALSE(choices.find("problem", kWays));
  CHECK(choices.choose("problem", kWays, working.timer()) == 1);
}

TEST_CASE("What another process measured in the meantime is found") {
  const TempDir folder;
  const std::string file = folder / "choices.txt";
  AutotuneCache first("machine", file), second("machine", file);
  FakeTimer b{{2.0, 1.0, 3.0}}, c{{2.0, 3.0, 1.0}};
  CHECK(first.choose("problem", kWays, b.timer()) == 1);
  CHECK(second.choose("problem", kWays, c.timer()) == 1);
  CHECK(c.calls == std::vector{0, 0, 0});
}

}  // namespace tandem::test
