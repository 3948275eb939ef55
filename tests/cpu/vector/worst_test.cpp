#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/ops/tensors.h"

namespace tandem::test {

TEST_CASE("The largest difference is NaN if there is one, wherever it stands") {
  CHECK(std::isnan(largest_difference({NAN, 1}, {0, 1})));
  CHECK(std::isnan(largest_difference({1, NAN}, {0, 1})));
  CHECK(std::isnan(largest_difference({1}, {1, 1})));
  CHECK(largest_difference({1, 5, 2}, {1, 2, 4}) == 3);
}

}  // namespace tandem::test
