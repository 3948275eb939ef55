#include "tools/study/outliers.h"

#include "core/base/rng.h"
#include "tests/support/catch.h"

namespace tandem::tools {
namespace {

TEST_CASE("images far from their class are outliers, the farthest first") {
  // Two classes of 40 around two points; image 5 lies a little apart, image 60 with the other class.
  constexpr std::size_t kDimensions = 10;
  Random random(1, RandomPurpose::test);
  std::vector<float> embeddings;
  std::vector<std::size_t> labels;
  for (std::size_t i = 0; i < 80; ++i) {
    labels.push_back(i / 40);
    const float centre = i < 40 || i == 60 ? 0.0F : 20.0F;
    for (std::size_t d = 0; d < kDimensions; ++d)
      embeddings.push_back(random.normal() + (d == 0 ? centre : 0) + (d == 1 && i == 5 ? 12.0F : 0));
  }
  for (const unsigned threads : {1U, 2U}) {
    const std::vector<Outlier> outliers = find_outliers(embeddings, labels, kDimensions, threads);
    REQUIRE(outliers.size() == 2);
    CHECK(outliers[0].image == 60);
    CHECK(labels[outliers[0].nearest_image] == 0);
    CHECK(outliers[0].distance == Approx(20).margin(3));
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
