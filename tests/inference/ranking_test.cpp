#include "inference/ranking.h"

#include <cmath>
#include <vector>

#include "inference/distances.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("a ranking is pytorch-metric-learning's and scikit-learn's") {
  // ranking_fixture.py printed the numbers.
  std::vector<float> embeddings;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 90; ++i) {
    for (int d = 0; d < 6; ++d)
      embeddings.push_back(static_cast<float>(std::sin(2.3 * i + 4.1 * d + 0.9 * i * d) + (d == i % 5 ? 1.5 : 0)));
    labels.push_back(i == 89 ? 5 : i % 5);
  }
  for (const unsigned threads : {1U, 3U}) {
    const Ranking found = ranking(embeddings, labels, 6, threads);
    CHECK(found.recall_at_1.value() == Approx(0.685393258427).epsilon(1e-9));
    CHECK(found.recall_at_2.value() == Approx(0.808988764045).epsilon(1e-9));
    CHECK(found.recall_at_4.value() == Approx(0.932584269663).epsilon(1e-9));
    CHECK(found.recall_at_8.value() == 1);
    CHECK(found.r_precision.value() == Approx(0.530320555188).epsilon(1e-9));
    CHECK(found.map_at_r.value() == Approx(0.371170677022).epsilon(1e-9));
    CHECK(found.map.value() == Approx(0.571207595410).epsilon(1e-9));
    CHECK(found.mrr.value() == Approx(0.794328570366).epsilon(1e-6));
  }
}

TEST_CASE("a ranking counts the images whose nearest others have their label") {
  // On a line: label 0 at 0 and 1, label 1 at 1.5 and 10, label 2 alone.
  const std::vector<float> embeddings{0, 1, 1.5F, 10, 11};
  const std::vector<std::int32_t> labels{0, 0, 1, 1, 2};
  const Ranking found = ranking(embeddings, labels, 1);
  CHECK(found.recall_at_1 == 0.25);  // of image 0 alone: 1 is nearest to 1.5, 1.5 to 1, and 10 to 11
  CHECK(found.recall_at_5 == 1.0);
  CHECK(found.map_at_r == 0.25);  // with one other of its label each
  // The others of their label are at ranks 1, 2, 3 and 2.
  CHECK(found.mrr.value() == Approx((1 + 1 / 2.0 + 1 / 3.0 + 1 / 2.0) / 4));
  CHECK_FALSE(ranking(std::vector<float>{1}, std::vector<std::int32_t>{0}, 1).recall_at_1);
}

TEST_CASE("rows are divided by their lengths, and zeros stay") {
  CHECK(unit_rows(std::vector<float>{3, 4, 0, 0}, 2) == std::vector<float>{0.6F, 0.8F, 0, 0});
}

}  // namespace
}  // namespace tandem
