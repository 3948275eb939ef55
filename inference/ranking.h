#pragma once
// How well an image finds those of its label among all others: each image is a query, and the others are sorted by
// their distance from it; of equal distances, the lower index is nearer.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tandem {

/// Means over the queries whose label another image has; nothing where there are none. With hit(i) = 1 if the image at
/// rank i, from 1, has the query's label, R the number of such images, and P(k) = 1/k sum_{i <= k} hit(i):
/// the definitions of Musgrave, Belongie and Lim 2020, and of pytorch-metric-learning's AccuracyCalculator.
struct Ranking {
  /// Whether one of the k nearest has the query's label.
  std::optional<double> recall_at_1, recall_at_2, recall_at_4, recall_at_5, recall_at_8;
  std::optional<double> r_precision;  ///< P(R)
  std::optional<double> map_at_r;     ///< 1/R sum_{k <= R} hit(k) P(k)
  std::optional<double> map;          ///< 1/R sum over all k of hit(k) P(k)
  std::optional<double> mrr;          ///< 1 / rank of the first hit
};

/// embeddings: (N, D) row by row, finite, compared by Euclidean distance. labels: (N). threads: 0 for one per core.
/// O(N^2 (D + log N)) time, O(N) memory for each thread.
Ranking ranking(std::span<const float> embeddings, std::span<const std::int32_t> labels, std::size_t dimensions,
                unsigned threads = 0);

}  // namespace tandem
