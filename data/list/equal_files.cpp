#include "data/list/equal_files.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
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

/// A hash of a file from a position to its end.
std::optional<Key> hash_of(const std::string& path, std::uint64_t from) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  if (!file) return std::nullopt;
  const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
  (void)XXH3_128bits_reset(state.get());
  std::vector<char> piece(std::size_t{1} << 16);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    (void)XXH3_128bits_update(state.get(), piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) return std::nullopt;
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

std::vector<std::vector<std::size_t>> equal_files(const std::vector<std::string>& paths, unsigned threads) {
  constexpr std::uint64_t kTail = 4096;  // Enough to tell photos apart; the heads of one camera's are alike.
  Group all(paths.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<std::uint64_t> sizes(paths.size());
  const auto by_size = [&](std::size_t i) -> std::optional<Key> {
    struct stat status = {};
    if (::stat(paths[i].c_str(), &status) != 0 || status.st_size <= 0) return std::nullopt;
    sizes[i] = static_cast<std::uint64_t>(status.st_size);
    return Key(sizes[i], 0);
  };
  const auto by_tail = [&](std::size_t i) { return hash_of(paths[i], sizes[i] - std::min(sizes[i], kTail)); };
  const auto by_content = [&](std::size_t i) { return hash_of(paths[i], 0); };
  std::vector<Group> groups = parted(parted(parted({all}, threads, by_size), threads, by_tail), threads, by_content);
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace tandem
