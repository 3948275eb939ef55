#include "eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Labels = std::vector<std::int32_t>;

std::vector<float> random_normal(std::size_t count, std::uint32_t index) {
  Random random(7, RandomPurpose::test, 0, 0, index);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

Labels random_labels(std::size_t count, std::uint32_t classes, std::uint32_t index) {
  Random random(8, RandomPurpose::test, 0, 0, index);
  Labels labels(count);
  for (auto& label : labels) label = static_cast<std::int32_t>(random.below(classes));
  return labels;
}

void require_close(const std::optional<double>& got, double expected, double tolerance = 1e-9) {
  REQUIRE(got.has_value());
  REQUIRE(std::abs(*got - expected) <= tolerance * std::max(1.0, std::abs(expected)));
}

double distance(const std::vector<float>& embeddings, std::size_t d, std::size_t i, std::size_t j) {
  double sum = 0;
  for (std::size_t k = 0; k < d; ++k) sum += std::pow(double{embeddings[i * d + k]} - embeddings[j * d + k], 2);
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("classification of four images by hand") {
  // Predictions 0 1 1 0 for labels 0 0 1 1.
  const std::vector<float> logits = {2, 1, 0,  //
                                     0, 1, 0,  //
                                     0, 3, 1,  //
                                     1, 0, 0};
  const auto metrics = classification_metrics(logits, Labels{0, 0, 1, 1}, 3);
  REQUIRE(metrics.images == 4);
  REQUIRE(metrics.top1 == 0.5);
  REQUIRE(metrics.top5 == 1.0);
  REQUIRE(metrics.confusion == std::vector<std::vector<std::int64_t>>{{1, 1, 0}, {1, 1, 0}, {0, 0, 0}});
  REQUIRE(metrics.per_class[0].precision == 0.5);
  REQUIRE(metrics.per_class[0].recall == 0.5);
  REQUIRE(metrics.per_class[0].f1 == 0.5);
  REQUIRE(metrics.per_class[0].support == 2);
  REQUIRE(metrics.macro_f1 == 0.5);
  const double e = std::exp(1.0);
  const double expected =
      (std::log(e * e + e + 1) - 2 + std::log(e + 2) - 0 + std::log(e * e * e + e + 1) - 3 + std::log(e + 2) - 0) / 4;
  require_close(metrics.loss, expected);
}

TEST_CASE("precision recall and F1 differ where they should") {
  // Class 0: 3 images, 2 found; predicted 2. Class 1: 1 image, found; predicted 2.
  const std::vector<float> logits = {1, 0, 1, 0, 0, 1, 0, 1};
  const auto metrics = classification_metrics(logits, Labels{0, 0, 0, 1}, 2);
  require_close(metrics.per_class[0].precision, 1.0);
  require_close(metrics.per_class[0].recall, 2.0 / 3);
  require_close(metrics.per_class[0].f1, 0.8);
  require_close(metrics.per_class[1].precision, 0.5);
  require_close(metrics.per_class[1].recall, 1.0);
  require_close(metrics.per_class[1].f1, 2.0 / 3);
  require_close(metrics.macro_f1, (0.8 + 2.0 / 3) / 2);
}

TEST_CASE("a class without images or without predictions has no figure") {
  const std::vector<float> logits = {1, 0, 0, 1, 0, 0};
  const auto metrics = classification_metrics(logits, Labels{0, 1}, 3);
  REQUIRE_FALSE(metrics.per_class[2].recall);
  REQUIRE_FALSE(metrics.per_class[2].precision);
  REQUIRE_FALSE(metrics.per_class[2].f1);
  REQUIRE(metrics.per_class[2].support == 0);
  REQUIRE_FALSE(metrics.per_class[1].precision);
  REQUIRE(metrics.per_class[1].recall == 0.0);
  REQUIRE(metrics.per_class[1].f1 == 0.0);
  require_close(metrics.macro_f1, (2.0 / 3 + 0.0) / 2);  // class 2 does not count
}

TEST_CASE("top five counts the five largest and breaks ties by class") {
  std::vector<float> logits(7);
  for (std::size_t k = 0; k < 7; ++k) logits[k] = -static_cast<float>(k);
  REQUIRE(classification_metrics(logits, Labels{4}, 7).top5 == 1.0);
  REQUIRE(classification_metrics(logits, Labels{5}, 7).top5 == 0.0);
  const std::vector<float> equal(7, 1.0F);
  REQUIRE(classification_metrics(equal, Labels{0}, 7).top1 == 1.0);
  REQUIRE(classification_metrics(equal, Labels{1}, 7).top1 == 0.0);
  REQUIRE(classification_metrics(equal, Labels{4}, 7).top5 == 1.0);
  REQUIRE(classification_metrics(equal, Labels{5}, 7).top5 == 0.0);
}

TEST_CASE("top one is the share of the confusion matrix's diagonal") {
  constexpr std::size_t kImages = 500;
  const auto logits = random_normal(kImages * 9, 1);
  const auto labels = random_labels(kImages, 9, 1);
  const auto metrics = classification_metrics(logits, labels, 9);
  std::int64_t diagonal = 0;
  std::int64_t all = 0;
  std::size_t in_top5 = 0;
  for (std::size_t c = 0; c < 9; ++c) {
    diagonal += metrics.confusion[c][c];
    for (const auto count : metrics.confusion[c]) all += count;
    REQUIRE(metrics.per_class[c].support == std::count(labels.begin(), labels.end(), static_cast<std::int32_t>(c)));
  }
  for (std::size_t i = 0; i < kImages; ++i) {
    std::vector<float> row(&logits[i * 9], &logits[i * 9] + 9);
    const float own = row[static_cast<std::size_t>(labels[i])];
    std::sort(row.rbegin(), row.rend());
    in_top5 += own >= row[4] ? 1 : 0;
  }
  REQUIRE(all == kImages);
  require_close(metrics.top1, static_cast<double>(diagonal) / kImages);
  require_close(metrics.top5, static_cast<double>(in_top5) / kImages);
}

TEST_CASE("the softmax loss survives large logits") {
  require_close(classification_metrics(std::vector<float>{1000, 0}, Labels{1}, 2).loss, 1000);
  require_close(classification_metrics(std::vector<float>{-1000, -1000}, Labels{1}, 2).loss, std::log(2.0));
}

TEST_CASE("wrong arguments and numbers that are not finite are refused") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  REQUIRE_THROWS_AS(classification_metrics(std::vector<float>{}, Labels{}, 2), Error);
  REQUIRE_THROWS_AS(classification_metrics(std::vector<float>{1, 2, 3}, Labels{0, 1}, 2), Error);
  REQUIRE_THROWS_AS(classification_metrics(std::vector<float>{1, 2}, Labels{2}, 2), Error);
  REQUIRE_THROWS_AS(classification_metrics(std::vector<float>{1, 2}, Labels{-1}, 2), Error);
  REQUIRE_THROWS_AS(classification_metrics(std::vector<float>{1, nan}, Labels{0}, 2), Error);
  REQUIRE_THROWS_AS(embedding_metrics(std::vector<float>{1, infinity}, Labels{0, 1}, 1), Error);
  REQUIRE_THROWS_AS(embedding_metrics(std::vector<float>{1, 2, 3}, Labels{0, 1}, 2), Error);
  REQUIRE_THROWS_AS(embedding_metrics(std::vector<float>{}, Labels{}, 2), Error);
}

TEST_CASE("embedding of four images on a line by hand") {
  // At 0, 1 (label 5), 3, 7 (label 9). Same: 1, 4. Different: 3, 7, 2, 6. Of the 8 comparisons, 4 > 3 and 4 > 2 are
  // lost.
  const auto metrics = embedding_metrics(std::vector<float>{0, 1, 3, 7}, Labels{5, 5, 9, 9}, 1);
  require_close(metrics.pair_auc, 6.0 / 8);
  require_close(metrics.same_distance, 2.5);
  require_close(metrics.different_distance, 4.5);
  require_close(metrics.distance_ratio, 1.8);
  REQUIRE(metrics.same_pairs == 2);
  REQUIRE(metrics.different_pairs == 4);
  REQUIRE(metrics.histogram.same.size() == 48);
  require_close(metrics.histogram.width, 7.0 / 48);
  REQUIRE(metrics.histogram.same[6] == 1);           // 1 is 6.9 widths
  REQUIRE(metrics.histogram.same[27] == 1);          // 4 is 27.4 widths
  REQUIRE(metrics.histogram.different[47] == 1);     // 7 is the upper edge
  require_close(metrics.ranking.recall_at_1, 0.75);  // the image at 3 is nearest to the one at 1
  require_close(metrics.ranking.recall_at_5, 1.0);
}

TEST_CASE("equal distances count half in the pair ROC AUC") {
  // Corners of a square: same-label pairs are two sides; different-label pairs two sides and two diagonals.
  const auto metrics = embedding_metrics(std::vector<float>{0, 0, 0, 1, 1, 0, 1, 1}, Labels{0, 0, 1, 1}, 2);
  require_close(metrics.pair_auc, 0.75);
  // All in one point.
  const auto point = embedding_metrics(std::vector<float>(8), Labels{0, 0, 1, 1}, 2);
  require_close(point.pair_auc, 0.5);
  REQUIRE(point.same_distance == 0.0);
  REQUIRE_FALSE(point.distance_ratio);
}

TEST_CASE("one label or one image leaves what compares labels undefined") {
  const auto one_label = embedding_metrics(std::vector<float>{0, 1, 3}, Labels{2, 2, 2}, 1);
  REQUIRE_FALSE(one_label.pair_auc);
  REQUIRE_FALSE(one_label.different_distance);
  REQUIRE_FALSE(one_label.distance_ratio);
  require_close(one_label.same_distance, 2.0);
  require_close(one_label.ranking.recall_at_1, 1.0);

  const auto no_pair = embedding_metrics(std::vector<float>{0, 1, 3}, Labels{0, 1, 2}, 1);
  REQUIRE_FALSE(no_pair.pair_auc);
  REQUIRE_FALSE(no_pair.same_distance);
  REQUIRE_FALSE(no_pair.ranking.recall_at_1);
  require_close(no_pair.different_distance, 2.0);

  const auto one_image = embedding_metrics(std::vector<float>{4}, Labels{0}, 1);
  REQUIRE_FALSE(one_image.pair_auc);
  REQUIRE_FALSE(one_image.same_distance);
  REQUIRE_FALSE(one_image.ranking.recall_at_1);
}

TEST_CASE("an image whose label no other has does not count in recall") {
  const auto metrics = embedding_metrics(std::vector<float>{0, 1, 100}, Labels{0, 0, 1}, 1);
  require_close(metrics.ranking.recall_at_1, 1.0);
}

TEST_CASE("recall at five looks at five neighbours and no more") {
  // The image at 0 has its partner at 10, behind `between` others; those are of a label each.
  for (const std::size_t between : {4U, 5U}) {
    std::vector<float> places = {0, 10};
    Labels labels = {0, 0};
    for (std::size_t i = 0; i < between; ++i) {
      places.push_back(0.1F * static_cast<float>(i + 1));
      labels.push_back(static_cast<std::int32_t>(i + 1));
    }
    const auto metrics = embedding_metrics(places, labels, 1);
    REQUIRE(metrics.ranking.recall_at_1 == 0.0);
    // The image at 10 has the one at 0 as its farthest: the (between + 1)th.
    REQUIRE(metrics.ranking.recall_at_5 == (between == 4 ? 1.0 : 0.0));
  }
}

TEST_CASE("embedding figures equal brute force on random data") {
  for (const std::size_t images : {17U, 64U, 75U}) {
    for (const std::size_t d : {1U, 5U, 33U}) {
      const auto embeddings = random_normal(images * d, static_cast<std::uint32_t>(images + d));
      const auto labels = random_labels(images, 6, static_cast<std::uint32_t>(images));
      std::vector<double> same;
      std::vector<double> different;
      double hits = 0;
      double queries = 0;
      for (std::size_t i = 0; i < images; ++i) {
        std::size_t nearest = i == 0 ? 1 : 0;
        for (std::size_t j = 0; j < images; ++j) {
          if (j == i) continue;
          const double dij = distance(embeddings, d, i, j);
          if (dij < distance(embeddings, d, i, nearest)) nearest = j;
          if (j > i) (labels[i] == labels[j] ? same : different).push_back(dij);
        }
        if (std::count(labels.begin(), labels.end(), labels[i]) < 2) continue;
        ++queries;
        hits += labels[nearest] == labels[i] ? 1 : 0;
      }
      double wins = 0;
      double same_sum = 0;
      double different_sum = 0;
      for (const double s : same) {
        same_sum += s;
        for (const double t : different) wins += s < t ? 1 : (s == t ? 0.5 : 0);
      }
      for (const double t : different) different_sum += t;
      const auto pairs = static_cast<double>(same.size()) * static_cast<double>(different.size());

      const auto metrics = embedding_metrics(embeddings, labels, static_cast<std::int64_t>(d));
      REQUIRE(metrics.same_pairs == static_cast<std::int64_t>(same.size()));
      REQUIRE(metrics.different_pairs == static_cast<std::int64_t>(different.size()));
      // Two distances within a rounding of f32 may swap: a few of about a million comparisons.
      require_close(metrics.pair_auc, wins / pairs, 1e-5);
      require_close(metrics.same_distance, same_sum / static_cast<double>(same.size()), 1e-6);
      require_close(metrics.different_distance, different_sum / static_cast<double>(different.size()), 1e-6);
      require_close(metrics.ranking.recall_at_1, hits / queries);
      std::int64_t binned = 0;
      for (const auto count : metrics.histogram.same) binned += count;
      REQUIRE(binned == metrics.same_pairs);
    }
  }
}

TEST_CASE("embedding figures do not depend on the number of threads") {
  const auto embeddings = random_normal(200 * 8, 3);
  const auto labels = random_labels(200, 4, 3);
  const auto one = embedding_metrics(embeddings, labels, 8, 4000, 1);
  const auto three = embedding_metrics(embeddings, labels, 8, 4000, 3);
  REQUIRE(one.pair_auc == three.pair_auc);
  REQUIRE(one.same_distance == three.same_distance);
  REQUIRE(one.different_distance == three.different_distance);
  REQUIRE(one.ranking.recall_at_1 == three.ranking.recall_at_1);
  REQUIRE(one.ranking.recall_at_5 == three.ranking.recall_at_5);
}

TEST_CASE("a sample of the pairs is repeatable and close to all pairs") {
  auto embeddings = random_normal(600 * 4, 4);
  const auto labels = random_labels(600, 3, 4);
  for (std::size_t i = 0; i < labels.size(); ++i) embeddings[i * 4] += static_cast<float>(labels[i]);
  const auto all = embedding_metrics(embeddings, labels, 4);
  const auto some = embedding_metrics(embeddings, labels, 4, 200);
  const auto again = embedding_metrics(embeddings, labels, 4, 200);
  REQUIRE(some.same_pairs + some.different_pairs == 200 * 199 / 2);
  REQUIRE(some.pair_auc == again.pair_auc);
  REQUIRE(some.same_distance == again.same_distance);
  REQUIRE(some.ranking.recall_at_1 == all.ranking.recall_at_1);  // the ranking takes all images
  require_close(some.pair_auc, *all.pair_auc, 0.03);
  require_close(some.distance_ratio, *all.distance_ratio, 0.03);
}

}  // namespace tandem
