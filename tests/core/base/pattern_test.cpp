#include "core/base/pattern.h"

#include "tests/support/catch.h"

namespace tandem {

TEST_CASE("patterns are globs") {
  CHECK(fits_pattern("layer1.0.bn1.bias", "layer1.*.bias"));
  CHECK(fits_pattern("fc.weight", "fc.*"));
  CHECK(fits_pattern("fc", "f?"));
  CHECK(fits_pattern("", "*"));
  CHECK(fits_pattern("aXbXc", "a*b*c"));
  CHECK_FALSE(fits_pattern("fc.weight", "fc"));
  CHECK_FALSE(fits_pattern("abc", "a*d"));
  CHECK_FALSE(fits_pattern("ab", "a?b"));
}

}  // namespace tandem
