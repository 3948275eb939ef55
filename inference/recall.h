#pragma once
// How often the nearest images have the same label.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tandem {

/// The share of images with an image of the same label among the k nearest other images; of equal distances, the lower
/// index is nearer. An image whose label no other image has does not count; nothing where none counts.
struct Recall {
  std::optional<double> at_1, at_5;
};

/// embeddings: (N, D) row by row, finite, compared by Euclidean distance. labels: (N). threads: 0 for one per core.
Recall recall(std::span<const float> embeddings, std::span<const std::int32_t> labels, std::size_t dimensions,
              unsigned threads = 0);

}  // namespace tandem
