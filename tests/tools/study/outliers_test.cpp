#include "tools/study/outliers.h"

#include "core/base/rng.h"
#include "tests/support/catch.h"

namespace tandem::tools {
namespace {

TEST_CASE("images far from their class are outliers, the farthest first") {
  // Two classes around (0, 0) and (10, 0); image 5 lies a little apart, image 25 in the other class.
  Random random(1, RandomPurpose::test);
  std::vector<float> embeddings;
  std::vector<std::size_t> labels;
  for (std::size_t i = 0; i < 40; ++i) {
    labels.push_back(i / 20);
    const float centre = i == 25 ? 0.0F : i / 20 == 0 ? 0.0F : 10.0F;
    embeddings.push_back(centre + random.uniform(-1, 1));
    embeddings.push_back(i == 5 ? 6.0F : random.uniform(-1, 1));
  }
  for (const unsigned threads : {1U, 2U}) {
    const std::vector<Outlier> outliers = find_outliers(embeddings, labels, 2, threads);
    REQUIRE(outliers.size() == 2);
    CHECK(outliers[0].image == 25);
    CHECK(labels[outliers[0].nearest_image] == 0);
    CHECK(outliers[0].distance == Approx(10).margin(2));
    CHECK(outliers[1].image == 5);
    CHECK(outliers[1].score > 5);
    CHECK(outliers[1].score < outliers[0].score);
  }
}

TEST_CASE("a class of few images, or of equal ones, has no outliers") {
  std::vector<float> few = {0, 0, 0, 0, 0, 100};
  CHECK(find_outliers(few, std::vector<std::size_t>(6, 0), 1).empty());
  std::vector<float> equal(20, 3.0F);
  CHECK(find_outliers(equal, std::vector<std::size_t>(20, 0), 1).empty());
}

}  // namespace
}  // namespace tandem::tools
