#include "data/list/equal_files.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/thread_pool.h"

namespace tandem {
namespace {

/// What files are told apart by; of two files with different ones the content differs.
using Key = std::pair<std::uint64_t, std::uint64_t>;
using Group = std::vector<std::size_t>;  // rising

struct Free {
  void operator()(XXH3_state_t* state) const { (void)XXH3_freeState(state); }
};

/// A hash from a byte to the end.
std::optional<Key> hash_of(const StoredFiles& files, std::size_t i, std::uint64_t from, std::uint64_t end) {
  const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
  (void)XXH3_128bits_reset(state.get());
  std::vector<std::uint8_t> piece(std::size_t{1} << 16);
  for (; from < end; from += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - from)));
    if (!files.read(i, from, piece)) return std::nullopt;
    (void)XXH3_128bits_update(state.get(), piece.data(), piece.size());
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return Key(hash.high64, hash.low64);
}

/// Parts groups by a key of each member, computed on several threads. Those that are alone or have no key go.
template <class KeyOf>
std::vector<Group> parted(const std::vector<Group>& groups, unsigned threads, const KeyOf& key_of) {
  Group all;
  for (const Group& group : groups) all.insert(all.end(), group.begin(), group.end());
  std::vector<std::optional<Key>> keys(all.size());
  parallel_for_each(all.size(), threads, [&](std::size_t n) { keys[n] = key_of(all[n]); });
  std::vector<Group> parts;
  std::size_t n = 0;
  for (const Group& group : groups) {
    std::map<Key, Group> parts_of;
    for (const std::size_t member : group) {
      if (keys[n]) parts_of[*keys[n]].push_back(member);
      ++n;
    }
    for (auto& [key, part] : parts_of)
      if (part.size() > 1) parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

std::vector<std::vector<std::size_t>> equal_files(const StoredFiles& files, unsigned threads) {
  constexpr std::uint64_t kTail = 4096;  // Enough to tell photos apart; the heads of one camera's are alike.
  Group all(files.count);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<std::uint64_t> sizes(files.count);
  const auto by_size = [&](std::size_t i) -> std::optional<Key> {
    sizes[i] = files.bytes(i);
    return sizes[i] == 0 ? std::nullopt : std::optional(Key(sizes[i], 0));
  };
  const auto by_tail = [&](std::size_t i) { return hash_of(files, i, sizes[i] - std::min(sizes[i], kTail), sizes[i]); };
  const auto by_content = [&](std::size_t i) { return hash_of(files, i, 0, sizes[i]); };
  std::vector<Group> groups = parted(parted(parted({all}, threads, by_size), threads, by_tail), threads, by_content);
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace tandem
