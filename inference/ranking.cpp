#include "inference/ranking.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <vector>

#include "core/base/error.h"
#include "inference/distances.h"

namespace tandem {
namespace {

/// What a query adds to the means.
struct Query {
  bool counts = false;
  std::size_t first = 0;  // rank of the first hit, from 1
  double r_precision = 0, map_at_r = 0, map = 0;
};

/// The ranks, from 1 and rising, of the images with image i's label.
std::vector<std::size_t> ranks_of_hits(std::size_t i, std::span<const float> distances,
                                       std::span<const std::int32_t> labels) {
  // Distances are not negative, so their bits are in their order; the index decides between equal ones.
  std::vector<std::uint64_t> order;
  order.reserve(labels.size());
  for (std::size_t j = 0; j < labels.size(); ++j)
    if (j != i) order.push_back(std::uint64_t{std::bit_cast<std::uint32_t>(distances[j])} << 32U | j);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> ranks;
  for (std::size_t k = 0; k < order.size(); ++k)
    if (labels[order[k] & 0xFFFFFFFFU] == labels[i]) ranks.push_back(k + 1);
  return ranks;
}

Query query_of(const std::vector<std::size_t>& ranks) {
  Query query{true, ranks.front()};
  const auto r = static_cast<double>(ranks.size());
  for (std::size_t hit = 0; hit < ranks.size(); ++hit) {
    const double precision = static_cast<double>(hit + 1) / static_cast<double>(ranks[hit]);
    query.map += precision / r;
    if (ranks[hit] > ranks.size()) continue;
    query.map_at_r += precision / r;
    query.r_precision += 1 / r;
  }
  return query;
}

}  // namespace

Ranking ranking(std::span<const float> embeddings, std::span<const std::int32_t> labels, std::size_t dimensions,
                unsigned threads) {
  require(labels.size() <= 0xFFFFFFFFU, "ranking: {} images, expected at most 2^32 - 1", labels.size());
  std::map<std::int32_t, std::int64_t> images_of;
  for (const std::int32_t label : labels) ++images_of[label];
  std::vector<Query> queries(labels.size());
  DistanceRows(embeddings, dimensions).for_each(threads, [&](std::size_t i, std::span<const float> distances) {
    if (images_of.at(labels[i]) > 1) queries[i] = query_of(ranks_of_hits(i, distances, labels));
  });

  double count = 0;
  for (const Query& query : queries) count += query.counts ? 1 : 0;
  if (count == 0) return {};
  const auto mean = [&](const auto& of) {
    double sum = 0;
    for (const Query& query : queries)
      if (query.counts) sum += of(query);
    return sum / count;
  };
  const auto recall_at = [&](std::size_t k) { return mean([k](const Query& q) { return q.first <= k ? 1.0 : 0.0; }); };
  return {.recall_at_1 = recall_at(1),
          .recall_at_2 = recall_at(2),
          .recall_at_4 = recall_at(4),
          .recall_at_5 = recall_at(5),
          .recall_at_8 = recall_at(8),
          .r_precision = mean([](const Query& q) { return q.r_precision; }),
          .map_at_r = mean([](const Query& q) { return q.map_at_r; }),
          .map = mean([](const Query& q) { return q.map; }),
          .mrr = mean([](const Query& q) { return 1 / static_cast<double>(q.first); })};
}

}  // namespace tandem
