#pragma once
// Photos that are the same picture, though their files differ: resized, compressed anew, cut by a few per cent,
// mirrored, brightened.

#include <cstddef>
#include <functional>
#include <vector>

#include "tools/near/fingerprint.h"

namespace tandem::tools {

struct NearPair {
  std::size_t first, second;  // first < second
  double likeness;            // of the two correlations, the lower one
  bool mirrored;
};

/// Every two pictures that are one: a hash of one's windows differs in at most HashIndex::kMostBits bits from the
/// other's hash, and their likeness is at least that of kLeastWhole and kLeastDetail. In order. Blank pictures are like
/// no other. `each`, which several threads call, is called once for every picture. Time grows with the pictures times
/// their candidates; files that are equal should be handed in once.
std::vector<NearPair> find_near_pairs(const std::vector<Fingerprint>& pictures, unsigned threads = 0,
                                      const std::function<void()>& each = {});

inline constexpr double kLeastWhole = 0.95;
inline constexpr double kLeastDetail = 0.9;

/// The groups that pairs make when each member is a copy of its copies: two numbers or more each, rising; in order.
std::vector<std::vector<std::size_t>> joined_groups(std::size_t count,
                                                    const std::vector<std::vector<std::size_t>>& sets);

}  // namespace tandem::tools
