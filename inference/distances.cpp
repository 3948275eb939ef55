#include "inference/distances.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "core/base/thread_pool.h"

namespace tandem {
namespace {

constexpr std::size_t kLanes = 32;  // images of a tile, their sums side by side in vector registers
constexpr std::size_t kRows = 16;   // rows computed from one pass over the tiles

}  // namespace

std::vector<float> unit_rows(std::span<const float> rows, std::size_t dimensions) {
  std::vector<float> unit(rows.begin(), rows.end());
  for (auto row = unit.begin(); row != unit.end(); row += static_cast<std::ptrdiff_t>(dimensions)) {
    const auto end = row + static_cast<std::ptrdiff_t>(dimensions);
    double squares = 0;
    for (auto x = row; x != end; ++x) squares += static_cast<double>(*x) * static_cast<double>(*x);
    if (squares == 0) continue;
    const auto factor = static_cast<float>(1 / std::sqrt(squares));
    for (auto x = row; x != end; ++x) *x *= factor;
  }
  return unit;
}

DistanceRows::DistanceRows(std::span<const float> embeddings, std::size_t dimensions)
    : embeddings_(embeddings), dimensions_(dimensions), images_(dimensions == 0 ? 0 : embeddings.size() / dimensions) {
  require(dimensions > 0 && embeddings.size() == images_ * dimensions,
          "distances: got {} numbers, expected a multiple of {} dimensions", embeddings.size(), dimensions);
  const std::size_t tiles = (images_ + kLanes - 1) / kLanes;
  tiles_.assign(tiles * dimensions_ * kLanes, 0.0F);
  for (std::size_t i = 0; i < images_; ++i) {
    float* tile = tiles_.data() + i / kLanes * dimensions_ * kLanes;
    for (std::size_t k = 0; k < dimensions_; ++k) tile[k * kLanes + i % kLanes] = embeddings_[i * dimensions_ + k];
  }
}

// Differences are squared one by one, as in the definition: ‖a‖² + ‖b‖² − 2ab would be faster, and lose the digits of
// just those distances that matter, the small ones.
void DistanceRows::tile_distances(const float* query, std::size_t tile, float* distances) const {
  std::array<float, kLanes> sums{};
  const float* column = tiles_.data() + tile * dimensions_ * kLanes;
  for (std::size_t k = 0; k < dimensions_; ++k, column += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float difference = query[k] - column[lane];
      sums[lane] += difference * difference;
    }
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) distances[lane] = std::sqrt(sums[lane]);
}

void DistanceRows::for_each(unsigned threads,
                            const std::function<void(std::size_t, std::span<const float>)>& body) const {
  const std::size_t tiles = (images_ + kLanes - 1) / kLanes;
  const std::size_t width = tiles * kLanes;
  parallel_for_each((images_ + kRows - 1) / kRows, threads, [&](std::size_t block) {
    const std::size_t begin = block * kRows;
    const std::size_t end = std::min(begin + kRows, images_);
    std::vector<float> rows((end - begin) * width);
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      for (std::size_t i = begin; i < end; ++i) {
        tile_distances(&embeddings_[i * dimensions_], tile, &rows[(i - begin) * width + tile * kLanes]);
      }
    }
    for (std::size_t i = begin; i < end; ++i) body(i, {&rows[(i - begin) * width], images_});
  });
}

}  // namespace tandem
