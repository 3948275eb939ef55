#pragma once
// Euclidean distances from every image to every other, a few rows at a time.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace tandem {

/// Each row of (N, D) divided by its length, so that the squared distance of two is 2 (1 - cos); a row of zeros stays.
std::vector<float> unit_rows(std::span<const float> rows, std::size_t dimensions);

/// The embeddings of N images, arranged so that distances to many of them are computed at once.
class DistanceRows {
 public:
  /// embeddings: (N, D) row by row; must outlive the object.
  DistanceRows(std::span<const float> embeddings, std::size_t dimensions);

  /// Calls body(i, d) for every image i, d: (N), d[j] = ‖e_i − e_j‖₂, with d(i, j) = d(j, i) to the last bit. Calls
  /// come from `threads` threads (0: one per core), several at once and in no order; d is valid during the call.
  void for_each(unsigned threads, const std::function<void(std::size_t, std::span<const float>)>& body) const;

 private:
  void tile_distances(const float* query, std::size_t tile, float* distances) const;

  std::span<const float> embeddings_;
  std::size_t dimensions_;
  std::size_t images_;
  std::vector<float> tiles_;  // (⌈N / lanes⌉, D, lanes), the last tile padded with zeros
};

}  // namespace tandem
