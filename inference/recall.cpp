#include "inference/recall.h"

#include <array>
#include <map>
#include <vector>

#include "inference/distances.h"

namespace tandem {
namespace {

constexpr std::size_t kNeighbours = 5;

/// The rank among the nearest others of the first that has image i's label; kNeighbours if none of them has.
std::size_t first_hit(std::size_t i, std::span<const float> distances, std::span<const std::int32_t> labels) {
  struct Neighbour {
    float distance;
    std::size_t image;
  };
  std::array<Neighbour, kNeighbours> nearest{};
  std::size_t count = 0;
  for (std::size_t j = 0; j < labels.size(); ++j) {
    if (j == i || (count == kNeighbours && distances[j] >= nearest[count - 1].distance)) continue;
    std::size_t place = count < kNeighbours ? count++ : count - 1;
    for (; place > 0 && nearest[place - 1].distance > distances[j]; --place) nearest[place] = nearest[place - 1];
    nearest[place] = {distances[j], j};
  }
  for (std::size_t rank = 0; rank < count; ++rank) {
    if (labels[nearest[rank].image] == labels[i]) return rank;
  }
  return kNeighbours;
}

}  // namespace

Recall recall(std::span<const float> embeddings, std::span<const std::int32_t> labels, std::size_t dimensions,
              unsigned threads) {
  std::map<std::int32_t, std::int64_t> images_of;
  for (const std::int32_t label : labels) ++images_of[label];
  std::vector<std::size_t> hits(labels.size());
  DistanceRows(embeddings, dimensions).for_each(threads, [&](std::size_t i, std::span<const float> distances) {
    hits[i] = first_hit(i, distances, labels);
  });
  double queries = 0, at_1 = 0, at_5 = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (images_of[labels[i]] < 2) continue;
    ++queries;
    at_1 += hits[i] < 1 ? 1 : 0;
    at_5 += hits[i] < kNeighbours ? 1 : 0;
  }
  if (queries == 0) return {};
  return {at_1 / queries, at_5 / queries};
}

}  // namespace tandem
