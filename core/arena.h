#pragma once
// The caching arena: where tensors' memory comes from.
//
// Memory is taken from a backend in large segments, cut into blocks best-fit, and merged again when released. A
// training step asks for the same blocks in the same order each time, so after the first steps it takes nothing more
// from the backend. That saves page faults and system calls, and lets a step be captured as one CUDA graph.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace tandem {

/// Where an arena gets its segments: host memory, or a device's.
class SegmentSource {
 public:
  virtual ~SegmentSource() = default;
  /// At least 256-byte aligned memory. Throws when there is none.
  virtual void* acquire(std::size_t bytes) = 0;
  virtual void release(void* segment, std::size_t bytes) noexcept = 0;
};

struct MemoryStats {
  std::size_t in_use = 0;       ///< bytes in blocks handed out
  std::size_t peak_in_use = 0;  ///< the most that in_use has been
  std::size_t reserved = 0;     ///< bytes taken from the source
  std::size_t segments = 0;     ///< how often the source was asked
};

/// Thread-safe. Lives until its last block is back: hold it by shared_ptr.
class Arena {
 public:
  explicit Arena(std::unique_ptr<SegmentSource> source);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A block of at least `bytes` bytes, 256-byte aligned, its content undefined.
  void* allocate(std::size_t bytes);
  void release(void* block) noexcept;
  MemoryStats stats() const;

 private:
  struct Block {
    std::size_t bytes;
    bool free;
    bool first;  ///< begins a segment: never merged into the block before it
  };
  using Blocks = std::map<std::byte*, Block>;

  Blocks::iterator find_free(std::size_t bytes);
  Blocks::iterator add_segment(std::size_t bytes);
  void split(Blocks::iterator block, std::size_t bytes);
  void merge_with_next(Blocks::iterator block);

  mutable std::mutex mutex_;
  std::unique_ptr<SegmentSource> source_;
  Blocks blocks_;                                      // by address
  std::set<std::pair<std::size_t, std::byte*>> free_;  // by size, then address: best fit first
  std::map<std::byte*, std::size_t> segments_;
  MemoryStats stats_;
};

}  // namespace tandem
