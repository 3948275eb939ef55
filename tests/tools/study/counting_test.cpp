#include "tools/study/counting.h"

#include <sstream>

#include "core/base/timing.h"
#include "tests/support/catch.h"

namespace tandem::tools {
namespace {

TEST_CASE("on a terminal a line is drawn, and removed in the end") {
  std::ostringstream out;
  const double now = seconds();
  {
    Counting counting(out, {true, [] { return 200; }}, "decoding", 100);
    counting.add(now + 0.01);
    CHECK(out.str().empty());
    counting.add(now + 2);
    CHECK(out.str().rfind("\rdecoding 2/100 ", 0) == 0);
    const auto drawn = out.str();
    counting.add(now + 2.05);
    CHECK(out.str() == drawn);
  }
  CHECK(out.str().substr(out.str().size() - 4) == "\r\x1b[K");
}

TEST_CASE("a narrow terminal gets a line that fits") {
  std::ostringstream out;
  Counting counting(out, {true, [] { return 12; }}, "decoding", 100);
  counting.add(seconds() + 2);
  CHECK(out.str() == "\rdecoding 1/\x1b[K");
}

TEST_CASE("elsewhere a short job prints nothing, a long one whole lines") {
  std::ostringstream out;
  const double now = seconds();
  {
    Counting counting(out, {}, "decoding", 4);
    counting.add(now + 5);
    CHECK(out.str().empty());
    counting.add(now + 20);
    counting.add(now + 25);
  }
  CHECK(out.str().rfind("decoding 2/4 0.1/s 0:", 0) == 0);
  CHECK(out.str().find('\n') == out.str().size() - 1);
}

}  // namespace
}  // namespace tandem::tools
