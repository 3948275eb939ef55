#include "tools/near/near_pairs.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

#include "core/base/thread_pool.h"
#include "tools/near/hash_index.h"

namespace tandem::tools {
namespace {

/// How a picture was found: the window of the other whose hash is nearest.
struct Candidate {
  int bits;
  std::size_t window;
};

/// The other pictures with a hash like one of this one's windows.
std::map<std::size_t, Candidate> candidates(std::size_t picture, const Fingerprint& fingerprint,
                                            const HashIndex& index) {
  std::map<std::size_t, Candidate> found;
  const auto hashes = hashes_of(fingerprint);
  for (std::size_t w = 0; w < kWindows; ++w)
    index.near(hashes[w], [&](std::size_t other, int bits) {
      if (other == picture) return;
      const auto [place, is_new] = found.try_emplace(other, Candidate{bits, w});
      if (!is_new && bits < place->second.bits) place->second = {bits, w};
    });
  return found;
}

}  // namespace

std::vector<NearPair> find_near_pairs(const std::vector<Fingerprint>& pictures, unsigned threads,
                                      const std::function<void()>& each) {
  std::vector<std::size_t> numbers;  // of those that are not blank
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (!pictures[i].is_blank())
      numbers.push_back(i);
    else if (each)
      each();
  }
  std::vector<std::uint64_t> hashes(numbers.size());
  parallel_for_each(numbers.size(), threads, [&](std::size_t n) { hashes[n] = hashes_of(pictures[numbers[n]])[0]; });
  const HashIndex index(std::move(hashes));

  std::mutex mutex;
  std::map<std::pair<std::size_t, std::size_t>, NearPair> pairs;
  parallel_for_each(numbers.size(), threads, [&](std::size_t n) {
    const Fingerprint& picture = pictures[numbers[n]];
    for (const auto& [other, candidate] : candidates(n, picture, index)) {
      const Likeness alike = likeness(picture, window(candidate.window), pictures[numbers[other]]);
      if (alike.whole < kLeastWhole || alike.detail < kLeastDetail) continue;
      const auto [first, second] = std::minmax(numbers[n], numbers[other]);
      const NearPair pair{first, second, std::min(alike.whole, alike.detail), alike.window.mirrored};
      const std::lock_guard lock(mutex);
      const auto [place, is_new] = pairs.try_emplace({first, second}, pair);
      if (!is_new && pair.likeness > place->second.likeness) place->second = pair;
    }
    if (each) each();
  });
  std::vector<NearPair> all;
  all.reserve(pairs.size());
  for (const auto& [key, pair] : pairs) all.push_back(pair);
  return all;
}

std::vector<std::vector<std::size_t>> joined_groups(std::size_t count,
                                                    const std::vector<std::vector<std::size_t>>& sets) {
  std::vector<std::size_t> lower(count);  // a member of the same group with a lower number, or itself
  std::iota(lower.begin(), lower.end(), std::size_t{0});
  const auto lowest = [&](std::size_t i) {
    while (lower[i] != i) i = lower[i] = lower[lower[i]];
    return i;
  };
  for (const std::vector<std::size_t>& set : sets)
    for (const std::size_t member : set) {
      const auto [low, high] = std::minmax({lowest(set.front()), lowest(member)});
      lower[high] = low;
    }
  std::map<std::size_t, std::vector<std::size_t>> groups;
  for (const std::vector<std::size_t>& set : sets)
    for (const std::size_t member : set) groups[lowest(member)].push_back(member);
  std::vector<std::vector<std::size_t>> all;
  for (auto& [low, group] : groups) {
    std::sort(group.begin(), group.end());
    group.erase(std::unique(group.begin(), group.end()), group.end());
    if (group.size() > 1) all.push_back(std::move(group));
  }
  return all;
}

}  // namespace tandem::tools
