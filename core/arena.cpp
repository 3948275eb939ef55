#include "core/arena.h"

#include <algorithm>
#include <iterator>

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
  return block->first;
}

void Arena::release(void* data) noexcept {
  const std::lock_guard lock(mutex_);
  auto block = blocks_.find(static_cast<std::byte*>(data));
  stats_.in_use -= block->second.bytes;
  mark_unusable(data, block->second.bytes);
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
  auto* data = static_cast<std::byte*>(source_->acquire(bytes));
  mark_unusable(data, bytes);
  segments_.emplace(data, bytes);
  stats_.reserved += bytes;
  ++stats_.segments;
  return blocks_.emplace(data, Block{bytes, true, true}).first;
}

/// Cuts a block to `bytes`; what is left over becomes a free block of its own.
void Arena::split(Blocks::iterator block, std::size_t bytes) {
  const std::size_t rest = block->second.bytes - bytes;
  if (rest == 0) return;
  block->second.bytes = bytes;
  std::byte* next = block->first + bytes;
  blocks_.emplace(next, Block{rest, true, false});
  free_.insert({rest, next});
}

/// Joins a block with the free one behind it, if there is one. The block itself must not be in free_.
void Arena::merge_with_next(Blocks::iterator block) {
  const auto next = std::next(block);
  if (next == blocks_.end() || next->second.first || !next->second.free) return;
  free_.erase({next->second.bytes, next->first});
  block->second.bytes += next->second.bytes;
  blocks_.erase(next);
}

}  // namespace tandem
