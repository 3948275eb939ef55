#include "eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "inference/distances.h"
#include "inference/ranking.h"

namespace tandem {
namespace {

constexpr std::size_t kBins = 48;
constexpr float kLargest = 1e15F;  // so that no squared distance overflows

std::optional<double> ratio(double part, double whole) {
  const double value = part / whole;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

void require_finite(std::span<const float> values, std::size_t width, const char* what) {
  const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !(std::abs(v) < kLargest); });
  require(bad == values.end(), "evaluation: {} of image {} is {}, expected a finite number (did the training diverge?)",
          what, static_cast<std::size_t>(bad - values.begin()) / width, bad == values.end() ? 0.0F : *bad);
}

double softmax_loss(std::span<const float> logits, std::size_t label) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum) - logits[label];
}

/// The place of `label` when classes are ordered by falling logit, then by rising index; 0 is first.
std::int64_t rank_of(std::span<const float> logits, std::size_t label) {
  std::int64_t rank = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++rank;
  }
  return rank;
}

void summarise_classes(ClassificationMetrics& metrics) {
  double f1_sum = 0;
  int with_images = 0;
  for (std::size_t c = 0; c < metrics.confusion.size(); ++c) {
    ClassMetrics& one = metrics.per_class[c];
    for (std::size_t other = 0; other < metrics.confusion.size(); ++other) {
      one.support += metrics.confusion[c][other];
      one.predicted += metrics.confusion[other][c];
    }
    const auto hits = static_cast<double>(metrics.confusion[c][c]);
    one.precision = ratio(hits, static_cast<double>(one.predicted));
    if (one.support == 0) continue;
    one.recall = ratio(hits, static_cast<double>(one.support));
    one.f1 = ratio(2 * hits, static_cast<double>(one.support + one.predicted));
    f1_sum += *one.f1;
    ++with_images;
  }
  metrics.macro_f1 = f1_sum / with_images;
}

/// Distances of pairs, each list sorted.
struct PairDistances {
  std::vector<float> same;
  std::vector<float> different;
};

PairDistances pair_distances(std::span<const float> embeddings, std::span<const std::int32_t> labels,
                             std::size_t dimensions, unsigned threads) {
  std::vector<PairDistances> rows(labels.size());
  DistanceRows(embeddings, dimensions).for_each(threads, [&](std::size_t i, std::span<const float> distances) {
    for (std::size_t j = i + 1; j < labels.size(); ++j) {
      (labels[i] == labels[j] ? rows[i].same : rows[i].different).push_back(distances[j]);
    }
  });
  PairDistances all;
  for (PairDistances& row : rows) {
    all.same.insert(all.same.end(), row.same.begin(), row.same.end());
    all.different.insert(all.different.end(), row.different.begin(), row.different.end());
    row = {};
  }
  std::sort(all.same.begin(), all.same.end());
  std::sort(all.different.begin(), all.different.end());
  return all;
}

std::optional<double> pair_auc(const PairDistances& pairs) {
  double wins = 0;  // pairs of pairs; a tie is half a win
  std::size_t smaller = 0;
  std::size_t not_larger = 0;
  for (const float d : pairs.different) {
    while (smaller < pairs.same.size() && pairs.same[smaller] < d) ++smaller;
    while (not_larger < pairs.same.size() && pairs.same[not_larger] <= d) ++not_larger;
    wins += 0.5 * static_cast<double>(smaller + not_larger);
  }
  return ratio(wins, static_cast<double>(pairs.same.size()) * static_cast<double>(pairs.different.size()));
}

std::optional<double> mean(const std::vector<float>& values) {
  return ratio(std::accumulate(values.begin(), values.end(), 0.0), static_cast<double>(values.size()));
}

DistanceHistogram histogram_of(const PairDistances& pairs) {
  double largest = 0;
  for (const auto* list : {&pairs.same, &pairs.different}) {
    if (!list->empty()) largest = std::max<double>(largest, list->back());
  }
  DistanceHistogram histogram;
  histogram.width = (largest > 0 ? largest : 1) / kBins;
  const auto fill = [&](const std::vector<float>& distances) {
    std::vector<std::int64_t> counts(kBins);
    for (const float d : distances) ++counts[std::min(static_cast<std::size_t>(d / histogram.width), kBins - 1)];
    return counts;
  };
  histogram.same = fill(pairs.same);
  histogram.different = fill(pairs.different);
  return histogram;
}

void measure_pairs(std::span<const float> embeddings, std::span<const std::int32_t> labels, std::size_t dimensions,
                   unsigned threads, EmbeddingMetrics& metrics) {
  const PairDistances pairs = pair_distances(embeddings, labels, dimensions, threads);
  metrics.pair_auc = pair_auc(pairs);
  metrics.same_distance = mean(pairs.same);
  metrics.different_distance = mean(pairs.different);
  if (metrics.same_distance && metrics.different_distance) {
    metrics.distance_ratio = ratio(*metrics.different_distance, *metrics.same_distance);
  }
  metrics.same_pairs = static_cast<std::int64_t>(pairs.same.size());
  metrics.different_pairs = static_cast<std::int64_t>(pairs.different.size());
  metrics.histogram = histogram_of(pairs);
}

}  // namespace

ClassificationMetrics classification_metrics(std::span<const float> logits, std::span<const std::int32_t> labels,
                                             std::int64_t classes) {
  require(classes > 0 && !labels.empty(), "evaluation: got {} images of {} classes, expected at least one of each",
          labels.size(), classes);
  const auto k = static_cast<std::size_t>(classes);
  require(logits.size() == labels.size() * k, "evaluation: got {} logits, expected {} images × {} classes",
          logits.size(), labels.size(), classes);
  require_finite(logits, k, "a logit");

  ClassificationMetrics metrics;
  metrics.images = static_cast<std::int64_t>(labels.size());
  metrics.per_class.resize(k);
  metrics.confusion.assign(k, std::vector<std::int64_t>(k));
  std::int64_t in_top1 = 0;
  std::int64_t in_top5 = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    require(labels[i] >= 0 && labels[i] < classes, "evaluation: image {} has label {}, expected 0 to {}", i, labels[i],
            classes - 1);
    const auto label = static_cast<std::size_t>(labels[i]);
    const auto row = logits.subspan(i * k, k);
    const std::int64_t rank = rank_of(row, label);
    in_top1 += rank < 1 ? 1 : 0;
    in_top5 += rank < 5 ? 1 : 0;
    metrics.loss += softmax_loss(row, label);
    const auto prediction = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    ++metrics.confusion[label][prediction];
  }
  const auto images = static_cast<double>(metrics.images);
  metrics.top1 = static_cast<double>(in_top1) / images;
  metrics.top5 = static_cast<double>(in_top5) / images;
  metrics.loss /= images;
  summarise_classes(metrics);
  return metrics;
}

EmbeddingMetrics embedding_metrics(std::span<const float> embeddings, std::span<const std::int32_t> labels,
                                   std::int64_t dimensions, std::int64_t pair_images, unsigned threads) {
  require(dimensions > 0 && pair_images > 0 && !labels.empty(),
          "evaluation: got {} embeddings of {} dimensions, expected at least one of each", labels.size(), dimensions);
  const auto d = static_cast<std::size_t>(dimensions);
  require(embeddings.size() == labels.size() * d, "evaluation: got {} numbers, expected {} embeddings × {} dimensions",
          embeddings.size(), labels.size(), dimensions);
  require_finite(embeddings, d, "an embedding's component");

  EmbeddingMetrics metrics;
  metrics.spread = embedding_spread(embeddings, dimensions);
  metrics.ranking = ranking(embeddings, labels, d, threads);
  const auto most = static_cast<std::size_t>(pair_images);
  if (labels.size() <= most) {
    measure_pairs(embeddings, labels, d, threads, metrics);
    return metrics;
  }
  std::vector<float> some_embeddings;
  std::vector<std::int32_t> some_labels;
  // The seed is not the run's: two runs are compared on the same images.
  const auto order = permutation(static_cast<std::uint32_t>(labels.size()), Random(0, RandomPurpose::shuffle));
  for (std::size_t n = 0; n < most; ++n) {
    const auto row = embeddings.subspan(order[n] * d, d);
    some_embeddings.insert(some_embeddings.end(), row.begin(), row.end());
    some_labels.push_back(labels[order[n]]);
  }
  measure_pairs(some_embeddings, some_labels, d, threads, metrics);
  return metrics;
}

}  // namespace tandem
