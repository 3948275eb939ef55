#pragma once
// Whether embeddings lie apart at all.

#include <cstdint>
#include <span>

namespace tandem {

/// Of N embeddings e of D dimensions, with the mean m.
struct EmbeddingSpread {
  double spread = 0;  ///< √(mean ‖e − m‖²)
  double norm = 0;    ///< √(mean ‖e‖²)
  std::int64_t images = 0;

  /// Whether two images or more are all but one point: the spread is at most a thousandth of the norm, and so hardly
  /// more than rounding, or of the distance that training asks of different classes (`margin`; 0: none is known), which
  /// also tells of embeddings that have collapsed to 0.
  bool is_collapsed(double margin) const;
};

/// embeddings: (N, D) row by row, finite. D ≥ 1.
EmbeddingSpread embedding_spread(std::span<const float> embeddings, std::int64_t dimensions);

}  // namespace tandem
