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
#include <vector>

namespace tandem {

/// Where an arena gets its segments: host memory, or a device's.
class SegmentSource {
 public:
  virtual ~SegmentSource() = default;
  /// At least 256-byte aligned memory. Throws OutOfMemory when there is none; the arena then gives back its unused
  /// segments, asks once more, and adds to the error how much it holds.
  virtual void* acquire(std::size_t bytes) = 0;
  virtual void release(void* segment, std::size_t bytes) noexcept = 0;
};

struct MemoryStats {
  std::size_t in_use = 0;       ///< bytes in blocks handed out or held
  std::size_t peak_in_use = 0;  ///< the largest value of in_use so far
  std::size_t reserved = 0;     ///< bytes taken from the source
  std::size_t segments = 0;     ///< how often the source was asked with success
};

/// Thread-safe. It must live until its last block is released: hold it by shared_ptr.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  explicit Arena(std::unique_ptr<SegmentSource> source);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A block of at least `bytes` bytes, 256-byte aligned, its content undefined.
  void* allocate(std::size_t bytes);
  void release(void* block) noexcept;
  MemoryStats stats() const;

  /// Memory that a captured step uses again at every replay. While a hold lives, the blocks that it recorded are not
  /// handed out.
  class Hold {
   public:
    ~Hold() { arena_->end(*this); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    /// Ends the recording. Until then released memory can be handed out again.
    void seal() { arena_->seal(*this); }

   private:
    friend class Arena;
    explicit Hold(std::shared_ptr<Arena> arena) : arena_(std::move(arena)) {}

    std::shared_ptr<Arena> arena_;
    std::vector<std::byte*> blocks_;  // once sealed
  };
  /// Starts to record what is handed out; one recording at a time. The arena must be held by shared_ptr.
  std::unique_ptr<Hold> hold();

 private:
  struct Block {
    std::size_t bytes;
    bool free;
    bool first;          ///< begins a segment: never merged into the block before it
    bool held = false;   ///< belongs to a sealed hold
    bool empty = false;  ///< held, but in use by no tensor
  };
  using Blocks = std::map<std::byte*, Block>;

  Blocks::iterator find_free(std::size_t bytes);
  Blocks::iterator add_segment(std::size_t bytes);
  void* acquire(std::size_t bytes);
  bool is_recorded(const std::byte* begin, const std::byte* end) const;
  void release_unused_segments();
  void split(Blocks::iterator block, std::size_t bytes);
  void merge_with_next(Blocks::iterator block);
  void put_back(Blocks::iterator block);
  void seal(Hold& hold);
  void end(Hold& hold);
  void keep(std::byte* begin, std::byte* end, Hold& hold);

  mutable std::mutex mutex_;
  std::unique_ptr<SegmentSource> source_;
  Blocks blocks_;                                      // by address
  std::set<std::pair<std::size_t, std::byte*>> free_;  // by size, then address: best fit first
  std::map<std::byte*, std::size_t> segments_;
  const Hold* recording_ = nullptr;
  std::map<std::byte*, std::byte*> recorded_;  // beginnings and ends; may overlap
  MemoryStats stats_;
};

}  // namespace tandem
