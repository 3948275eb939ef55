#pragma once
// What tandem-eval measures, from plain arrays. Letters: N images, K classes, D embedding dimensions.
//
// A figure that is not defined for the data at hand (the recall of a class without images, the distance between
// different labels where there is one label) is std::nullopt, never NaN.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "inference/embedding_spread.h"
#include "inference/ranking.h"

namespace tandem {

/// One class c against the others. TP: images of c predicted as c.
struct ClassMetrics {
  std::optional<double> precision;  // TP / predicted; nullopt if nothing was predicted as c
  std::optional<double> recall;     // TP / support; nullopt if c has no image
  std::optional<double> f1;         // 2 TP / (support + predicted); nullopt if c has no image
  std::int64_t support = 0;         // images of c
  std::int64_t predicted = 0;       // images predicted as c
};

struct ClassificationMetrics {
  std::int64_t images = 0;
  double top1 = 0;  // share of images whose label has the largest logit; of equal logits the lower class comes first
  double top5 = 0;  // share of images whose label is among the min(5, K) largest logits
  double loss = 0;  // softmax loss in nats: mean of log Σ_k exp(z_k) − z_label
  double macro_f1 = 0;                               // mean F1 of the classes that have images
  std::vector<ClassMetrics> per_class;               // (K)
  std::vector<std::vector<std::int64_t>> confusion;  // (K, K): row the label, column the prediction
};

/// logits: (N, K) row by row; labels: (N), each in [0, K). N, K ≥ 1. Error if a logit is not finite (or beyond 1e15).
ClassificationMetrics classification_metrics(std::span<const float> logits, std::span<const std::int32_t> labels,
                                             std::int64_t classes);

/// How many pairs of images lie how far apart. Bin b covers [b, b + 1) · width; the last one includes its upper edge.
struct DistanceHistogram {
  double width = 0;
  std::vector<std::int64_t> same;       // pairs of the same label
  std::vector<std::int64_t> different;  // pairs of different labels
};

/// d(i, j) = ‖e_i − e_j‖₂; tandem-eval compares by cosine by handing over unit vectors. A pair is two different images,
/// in no order.
struct EmbeddingMetrics {
  /// P(d_same < d_different) + ½ P(d_same = d_different) for a random pair of the same label and a random pair of
  /// different labels: the area under the ROC curve of "same label" predicted by a small distance. 0.5: no better than
  /// chance; 1: a threshold tells all pairs apart.
  std::optional<double> pair_auc;
  std::optional<double> same_distance;       // mean d over the pairs of the same label
  std::optional<double> different_distance;  // mean d over the pairs of different labels
  std::optional<double> distance_ratio;      // different_distance / same_distance; nullopt if same_distance is 0
  std::int64_t same_pairs = 0;
  std::int64_t different_pairs = 0;
  DistanceHistogram histogram;
  EmbeddingSpread spread;  // of all N images
  Ranking ranking;         // of all N images
};

/// embeddings: (N, D) row by row; labels: (N), of any value. N, D ≥ 1. Error if a component is not finite (or beyond
/// 1e15).
///
/// The ranking takes all N images. The pairs are all N(N−1)/2 for N ≤ `pair_images`; above, all pairs of `pair_images`
/// images drawn without replacement, always the same ones for the same N. Takes O(N²D) time on `threads` threads (0:
/// one per core); the result does not depend on their number.
EmbeddingMetrics embedding_metrics(std::span<const float> embeddings, std::span<const std::int32_t> labels,
                                   std::int64_t dimensions, std::int64_t pair_images = 4000, unsigned threads = 0);

}  // namespace tandem
