#include "core/tensor/arena.h"

#include <algorithm>
#include <iterator>

#include "core/base/error.h"

// GCC says so by a macro, Clang by a feature.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace tandem {
namespace {

constexpr std::size_t kAlignment = 256;
// A multiple of the huge page size, so that host segments can be backed by huge pages.
constexpr std::size_t kSegment = std::size_t{32} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

// AddressSanitizer sees a segment as one allocation; marking what is free lets it catch what it would in malloc's
// memory.
void mark_unusable([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(data, bytes);
#endif
}
void mark_usable([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
#endif
}

}  // namespace

Arena::Arena(std::unique_ptr<SegmentSource> source) : source_(std::move(source)) {}

Arena::~Arena() {
  for (auto& [data, bytes] : segments_) {
    mark_usable(data, bytes);
    source_->release(data, bytes);
  }
}

void* Arena::allocate(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  // One more byte than asked for keeps two blocks apart under AddressSanitizer, and an empty tensor's address unique.
  const std::size_t wanted = round_up(bytes + 1, kAlignment);
  auto block = find_free(wanted);
  if (block == blocks_.end()) block = add_segment(wanted);
  free_.erase({block->second.bytes, block->first});
  split(block, wanted);
  block->second.free = false;
  stats_.in_use += wanted;
  stats_.peak_in_use = std::max(stats_.peak_in_use, stats_.in_use);
  mark_usable(block->first, bytes);
  if (recording_) {
    std::byte*& end = recorded_[block->first];
    end = std::max(end, block->first + wanted);
  }
  return block->first;
}

void Arena::release(void* data) noexcept {
  const std::lock_guard lock(mutex_);
  auto block = blocks_.find(static_cast<std::byte*>(data));
  mark_unusable(data, block->second.bytes);
  if (block->second.held)
    block->second.empty = true;
  else
    put_back(block);
}

/// Frees a block and merges it with its free neighbours.
void Arena::put_back(Blocks::iterator block) {
  stats_.in_use -= block->second.bytes;
  block->second.free = true;
  merge_with_next(block);
  if (!block->second.first) {
    auto previous = std::prev(block);
    if (previous->second.free) {
      free_.erase({previous->second.bytes, previous->first});
      merge_with_next(previous);
      block = previous;
    }
  }
  free_.insert({block->second.bytes, block->first});
}

MemoryStats Arena::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

Arena::Blocks::iterator Arena::find_free(std::size_t bytes) {
  const auto best = free_.lower_bound({bytes, nullptr});
  return best == free_.end() ? blocks_.end() : blocks_.find(best->second);
}

Arena::Blocks::iterator Arena::add_segment(std::size_t bytes) {
  bytes = round_up(bytes, kSegment);
  auto* data = static_cast<std::byte*>(acquire(bytes));
  mark_unusable(data, bytes);
  segments_.emplace(data, bytes);
  stats_.reserved += bytes;
  ++stats_.segments;
  return blocks_.emplace(data, Block{bytes, true, true}).first;
}

void* Arena::acquire(std::size_t bytes) {
  try {
    return source_->acquire(bytes);
  } catch (const OutOfMemory&) {
    release_unused_segments();
  }
  try {
    return source_->acquire(bytes);
  } catch (const OutOfMemory& e) {
    throw OutOfMemory(bytes, stats_.reserved, e.free());
  }
}

/// Whether the recording includes a part of [begin, end).
bool Arena::is_recorded(const std::byte* begin, const std::byte* end) const {
  return std::any_of(recorded_.begin(), recorded_.end(),
                     [&](const auto& range) { return range.first < end && range.second > begin; });
}

void Arena::release_unused_segments() {
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    const auto [data, bytes] = *segment;
    const auto block = blocks_.find(data);
    if (!block->second.free || block->second.bytes != bytes || is_recorded(data, data + bytes)) {
      ++segment;
      continue;
    }
    free_.erase({bytes, data});
    blocks_.erase(block);
    segment = segments_.erase(segment);
    mark_usable(data, bytes);
    source_->release(data, bytes);
    stats_.reserved -= bytes;
  }
}

/// Cuts a block to `bytes`; the rest becomes a new free block.
void Arena::split(Blocks::iterator block, std::size_t bytes) {
  const std::size_t rest = block->second.bytes - bytes;
  if (rest == 0) return;
  block->second.bytes = bytes;
  std::byte* next = block->first + bytes;
  blocks_.emplace(next, Block{rest, true, false});
  free_.insert({rest, next});
}

/// Merges a block with the next one if that is free. The block itself must not be in free_.
void Arena::merge_with_next(Blocks::iterator block) {
  const auto next = std::next(block);
  if (next == blocks_.end() || next->second.first || !next->second.free) return;
  free_.erase({next->second.bytes, next->first});
  block->second.bytes += next->second.bytes;
  blocks_.erase(next);
}

std::unique_ptr<Arena::Hold> Arena::hold() {
  std::unique_ptr<Hold> hold(new Hold(shared_from_this()));
  const std::lock_guard lock(mutex_);
  require(!recording_, "arena: a hold is being recorded already");
  recording_ = hold.get();
  recorded_.clear();
  return hold;
}

void Arena::seal(Hold& hold) {
  const std::lock_guard lock(mutex_);
  require(recording_ == &hold, "arena: the hold is sealed already");
  recording_ = nullptr;
  std::byte* kept = nullptr;  // up to where it is kept already
  for (const auto& [begin, end] : recorded_) {
    if (end > kept) keep(std::max(begin, kept), end, hold);
    kept = std::max(kept, end);
  }
  recorded_.clear();
}

/// Keeps [begin, end) for a hold. The range may cross blocks. Blocks in use were handed out during the recording, so
/// they lie within the range.
void Arena::keep(std::byte* begin, std::byte* end, Hold& hold) {
  auto block = std::prev(blocks_.upper_bound(begin));
  while (block != blocks_.end() && block->first < end) {
    const auto next = std::next(block);
    if (block->second.free) {
      free_.erase({block->second.bytes, block->first});
      if (block->first < begin) {
        const auto before = block;
        split(before, static_cast<std::size_t>(begin - before->first));
        free_.insert({before->second.bytes, before->first});
        block = std::next(before);
        free_.erase({block->second.bytes, block->first});
      }
      split(block, std::min(block->second.bytes, static_cast<std::size_t>(end - block->first)));
      block->second.free = false;
      block->second.empty = true;
      stats_.in_use += block->second.bytes;
      stats_.peak_in_use = std::max(stats_.peak_in_use, stats_.in_use);
    }
    if (!std::exchange(block->second.held, true)) hold.blocks_.push_back(block->first);
    block = next;
  }
}

void Arena::end(Hold& hold) {
  const std::lock_guard lock(mutex_);
  if (recording_ == &hold) {
    recording_ = nullptr;
    recorded_.clear();
  }
  for (std::byte* data : hold.blocks_) {
    const auto block = blocks_.find(data);
    block->second.held = false;
    if (std::exchange(block->second.empty, false)) put_back(block);
  }
}

}  // namespace tandem
