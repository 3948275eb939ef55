#include "inference/embedding_spread.h"

#include <cmath>
#include <vector>

#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("the spread of embeddings is their distance from the mean") {
  // Around (3, 4): 1 to the left, right, above and below.
  const std::vector<float> square = {2, 4, 4, 4, 3, 3, 3, 5};
  const EmbeddingSpread spread = embedding_spread(square, 2);
  CHECK(spread.images == 4);
  CHECK(spread.spread == Approx(1));
  CHECK(spread.norm == Approx(std::sqrt(26)));
  CHECK_FALSE(spread.is_collapsed(1));
  CHECK(spread.is_collapsed(1001));  // much nearer than the margin asks for
}

TEST_CASE("embeddings in one point have collapsed, wherever it is") {
  for (const float at : {0.0F, 1e-3F, 7.5F, -1e6F}) {
    const std::vector<float> same(3 * 5, at);
    CHECK(embedding_spread(same, 3).is_collapsed(0));
    CHECK(embedding_spread(same, 3).is_collapsed(1));
    CHECK_FALSE(embedding_spread(std::vector<float>(3, at), 3).is_collapsed(1));  // one image
  }
  // Rounding alone, far away from 0; then what is left is a difference.
  CHECK(embedding_spread(std::vector<float>{1000, 1000.001F, 1000, 999.999F}, 1).is_collapsed(0));
  CHECK_FALSE(embedding_spread(std::vector<float>{1000, 1010, 1000, 990}, 1).is_collapsed(1));
  // All but 0 in a network without a margin: their differences are all there is.
  CHECK_FALSE(embedding_spread(std::vector<float>{1e-6F, 2e-6F, 3e-6F}, 1).is_collapsed(0));
  CHECK(embedding_spread(std::vector<float>{1e-6F, 2e-6F, 3e-6F}, 1).is_collapsed(1));
  CHECK_FALSE(embedding_spread({}, 4).is_collapsed(1));
}

}  // namespace
}  // namespace tandem
