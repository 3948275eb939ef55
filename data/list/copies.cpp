#include "data/list/copies.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "data/list/class_names.h"

namespace tandem {
namespace {

/// What files are told apart by; of two files with different ones the content differs.
using Key = std::pair<std::uint64_t, std::uint64_t>;
using Group = std::vector<std::size_t>;  // rising

struct Free {
  void operator()(XXH3_state_t* state) const { (void)XXH3_freeState(state); }
};

/// The images of both lists, the training's first.
class Images {
 public:
  Images(const ImageSource& train, const ImageSource* eval) : train_(train), eval_(eval) {}
  std::size_t size() const { return train_.size() + (eval_ == nullptr ? 0 : eval_->size()); }
  bool is_eval(std::size_t i) const { return i >= train_.size(); }
  std::int32_t label(std::size_t i) const { return source(i).label(place(i)); }
  /// What people know the image by, without and with the line that names it.
  std::string name(std::size_t i) const { return source(i).name(place(i)); }
  std::string full_name(std::size_t i) const {
    const std::string origin = source(i).origin(place(i));
    return name(i) + (origin.empty() || origin == source(i).source() ? "" : fmt::format(" ({})", origin));
  }
  std::string class_of(std::size_t i) const { return in_quotes(train_.classes()[static_cast<std::size_t>(label(i))]); }
  std::uint64_t bytes(std::size_t i) const { return source(i).stored_bytes(place(i)); }
  /// A hash of the image, as it is stored, from a byte to its end.
  std::optional<Key> hash(std::size_t i, std::uint64_t from) const;

 private:
  const ImageSource& source(std::size_t i) const { return is_eval(i) ? *eval_ : train_; }
  std::size_t place(std::size_t i) const { return is_eval(i) ? i - train_.size() : i; }

  const ImageSource& train_;
  const ImageSource* eval_;
};

std::optional<Key> Images::hash(std::size_t i, std::uint64_t from) const {
  const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
  (void)XXH3_128bits_reset(state.get());
  std::vector<std::uint8_t> piece(std::size_t{1} << 16);
  for (const std::uint64_t end = bytes(i); from < end; from += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - from)));
    if (!source(i).read_stored(place(i), from, piece)) return std::nullopt;
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

/// The images whose files have the same content, two or more a group.
std::vector<Group> equal_files(const Images& images, unsigned threads) {
  constexpr std::uint64_t kTail = 4096;  // Enough to tell photos apart; the heads of one camera's are alike.
  Group all(images.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<std::uint64_t> sizes(images.size());
  const auto by_size = [&](std::size_t i) -> std::optional<Key> {
    sizes[i] = images.bytes(i);
    return sizes[i] == 0 ? std::nullopt : std::optional(Key(sizes[i], 0));
  };
  const auto by_tail = [&](std::size_t i) { return images.hash(i, sizes[i] - std::min(sizes[i], kTail)); };
  const auto by_content = [&](std::size_t i) { return images.hash(i, 0); };
  return parted(parted(parted({all}, threads, by_size), threads, by_tail), threads, by_content);
}

}  // namespace

Copies find_copies(const ImageSource& train, const ImageSource* eval, unsigned threads) {
  const Images images(train, eval);
  std::vector<Group> groups = equal_files(images, threads);
  std::sort(groups.begin(), groups.end());  // the first ones first, for the examples
  Copies copies;
  std::optional<std::size_t> first;  // of the evaluation's
  for (const Group& group : groups) {
    const std::size_t one = group.front();
    const auto other =
        std::find_if(group.begin(), group.end(), [&](std::size_t i) { return images.label(i) != images.label(one); });
    if (other != group.end() && copies.two_labels++ == 0)
      copies.first_two_labels = fmt::format("{} is {}, {} is {}", images.full_name(one), images.class_of(one),
                                            images.full_name(*other), images.class_of(*other));
    if (images.is_eval(one)) continue;
    for (const std::size_t i : group) {
      if (!images.is_eval(i)) continue;
      ++copies.shared;
      if (first && *first < i) continue;
      first = i;
      copies.first_shared = fmt::format("{} is {}", images.name(i), images.name(one));
    }
  }
  return copies;
}

std::vector<std::string> copy_remarks(const ImageSource& train, const ImageSource* eval) {
  const Copies copies = find_copies(train, eval);
  std::vector<std::string> lines;
  if (copies.shared > 0)
    lines.push_back(fmt::format("warning: {} of the {} evaluation images are training images too; the first: {}",
                                copies.shared, eval->size(), copies.first_shared));
  if (copies.two_labels > 0)
    lines.push_back(fmt::format("warning: {}: {}",
                                copies.two_labels == 1
                                    ? "an image has two labels"
                                    : fmt::format("{} images have two labels; the first", copies.two_labels),
                                copies.first_two_labels));
  return lines;
}

}  // namespace tandem
