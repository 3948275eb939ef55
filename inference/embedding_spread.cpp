#include "inference/embedding_spread.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tandem {

bool EmbeddingSpread::is_collapsed(double margin) const {
  constexpr double kLeast = 1e-3;
  return images > 1 && spread <= kLeast * std::max(norm, margin);
}

EmbeddingSpread embedding_spread(std::span<const float> embeddings, std::int64_t dimensions) {
  const auto d = static_cast<std::size_t>(dimensions);
  const std::size_t images = embeddings.size() / d;
  if (images == 0) return {};
  const auto n = static_cast<double>(images);
  std::vector<double> mean(d);
  for (std::size_t i = 0; i < images * d; ++i) mean[i % d] += static_cast<double>(embeddings[i]) / n;
  // Differences from the mean: those of squares would lose what a collapsed embedding has left.
  double apart = 0, squares = 0;
  for (std::size_t i = 0; i < images * d; ++i) {
    const auto x = static_cast<double>(embeddings[i]);
    apart += (x - mean[i % d]) * (x - mean[i % d]);
    squares += x * x;
  }
  return {std::sqrt(apart / n), std::sqrt(squares / n), static_cast<std::int64_t>(images)};
}

}  // namespace tandem
