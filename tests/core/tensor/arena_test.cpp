#include "core/tensor/arena.h"

#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "cpu/host/host_memory.h"
#include "tests/support/catch.h"

#if defined(__has_feature)  // as clang says it
#if __has_feature(address_sanitizer)
#define TANDEM_UNDER_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)  // and GCC
#define TANDEM_UNDER_ASAN
#endif
#ifdef TANDEM_UNDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace tandem {
namespace {

constexpr std::size_t kKiB = 1 << 10, kMiB = 1 << 20;

std::shared_ptr<Arena> host_arena() { return std::make_shared<Arena>(std::make_unique<cpu::HostSegments>()); }

/// Hands out the parts of one mapping in order, so that segments lie next to each other in memory.
class AdjacentSegments : public SegmentSource {
 public:
  explicit AdjacentSegments(int& released) : released_(released), begin_(memory_.acquire(kBytes)) {}
  ~AdjacentSegments() override { memory_.release(begin_, kBytes); }
  void* acquire(std::size_t bytes) override {
    if (used_ + bytes > kBytes) throw OutOfMemory(bytes, 0, kBytes - used_);
    return static_cast<std::byte*>(begin_) + std::exchange(used_, used_ + bytes);
  }
  void release(void*, std::size_t) noexcept override { ++released_; }

 private:
  static constexpr std::size_t kBytes = 256 * kMiB;
  int& released_;
  cpu::HostSegments memory_;
  void* begin_;
  std::size_t used_ = 0;
};

/// So much memory in all, given and taken back.
class LimitedSegments : public SegmentSource {
 public:
  explicit LimitedSegments(std::size_t bytes) : left_(bytes) {}
  void* acquire(std::size_t bytes) override {
    if (bytes > left_) throw OutOfMemory(bytes, 0, left_);
    left_ -= bytes;
    return memory_.acquire(bytes);
  }
  void release(void* segment, std::size_t bytes) noexcept override {
    left_ += bytes;
    memory_.release(segment, bytes);
  }

 private:
  std::size_t left_;
  cpu::HostSegments memory_;
};

}  // namespace

TEST_CASE("Arena blocks are aligned and do not overlap") {
  const auto arena = host_arena();
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  for (const std::size_t bytes : {0UL, 1UL, 255UL, 256UL, 257UL, 4096UL, 100'000UL}) {
    auto* block = static_cast<std::byte*>(arena->allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 256 == 0);
    for (const auto& [other, size] : blocks) CHECK((block + bytes <= other || other + size <= block));
    for (const auto& [other, size] : blocks) CHECK(block != other);
    std::memset(block, 0xAB, bytes);
    blocks.emplace_back(block, bytes);
  }
  for (const auto& [block, size] : blocks) arena->release(block);
  CHECK(arena->stats().in_use == 0);
}

TEST_CASE("Arena takes the smallest free block that fits") {
  const auto arena = host_arena();
  std::vector<void*> wide, separators;
  for (const std::size_t bytes : {1000 * kKiB, 100 * kKiB, 500 * kKiB}) {
    wide.push_back(arena->allocate(bytes));
    separators.push_back(arena->allocate(1));
  }
  for (void* block : wide) arena->release(block);
  CHECK(arena->allocate(90 * kKiB) == wide[1]);
  CHECK(arena->allocate(400 * kKiB) == wide[2]);
  CHECK(arena->allocate(600 * kKiB) == wide[0]);
  CHECK(arena->stats().segments == 1);
}

TEST_CASE("Arena merges neighbouring free blocks in every order of release") {
  const std::vector<std::vector<std::size_t>> orders = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    const auto arena = host_arena();
    // They fill the segment, so that only the three together can serve the last request.
    const std::vector<void*> blocks{arena->allocate(8 * kMiB - 1), arena->allocate(8 * kMiB - 1),
                                    arena->allocate(16 * kMiB - 1)};
    for (const std::size_t i : order) arena->release(blocks[i]);
    CHECK(arena->allocate(32 * kMiB - 1) == blocks[0]);
    CHECK(arena->stats().segments == 1);
  }
}

TEST_CASE("Arena never merges across segments") {
  for (const bool second_first : {false, true}) {
    int released = 0;
    {
      Arena arena(std::make_unique<AdjacentSegments>(released));
      auto* first = static_cast<std::byte*>(arena.allocate(32 * kMiB - 1));
      auto* second = static_cast<std::byte*>(arena.allocate(32 * kMiB - 1));
      REQUIRE(second == first + 32 * kMiB);
      arena.release(second_first ? second : first);
      arena.release(second_first ? first : second);
      CHECK(arena.allocate(40 * kMiB) == second + 32 * kMiB);
      CHECK(arena.stats().segments == 3);
      CHECK(arena.stats().reserved == (32 + 32 + 64) * kMiB);
    }
    CHECK(released == 3);
  }
}

TEST_CASE("Arena serves an identical second round without a new segment") {
  const auto arena = host_arena();
  const auto round = [&arena] {
    Random random(1, RandomPurpose::test);
    std::vector<void*> blocks, addresses;
    for (int i = 0; i < 300; ++i) {
      blocks.push_back(arena->allocate(random.below(1 << 20)));
      addresses.push_back(blocks.back());
      if (random.below(3) == 0) {
        std::swap(blocks[random.below(static_cast<std::uint32_t>(blocks.size()))], blocks.back());
        arena->release(blocks.back());
        blocks.pop_back();
      }
    }
    for (void* block : blocks) arena->release(block);
    return addresses;
  };
  const auto first = round();
  const MemoryStats after_first = arena->stats();
  CHECK(after_first.segments > 1);
  CHECK(after_first.in_use == 0);
  round();
  const auto third = round(), fourth = round();
  CHECK(arena->stats().segments == after_first.segments);
  CHECK(arena->stats().reserved == after_first.reserved);
  CHECK(third == fourth);  // the same addresses too: what a captured CUDA graph needs
}

TEST_CASE("Arena counts what is in use and its peak") {
  const auto arena = host_arena();
  void* a = arena->allocate(kMiB);
  const std::size_t one = arena->stats().in_use;
  CHECK(one >= kMiB);
  CHECK(one <= kMiB + 512);
  void* b = arena->allocate(kMiB);
  CHECK(arena->stats().in_use == 2 * one);
  arena->release(a);
  CHECK(arena->stats().in_use == one);
  CHECK(arena->stats().peak_in_use == 2 * one);
  arena->release(b);
  CHECK(arena->stats().in_use == 0);
  CHECK(arena->stats().peak_in_use == 2 * one);
}

TEST_CASE("Arena passes on that memory has run out and stays usable") {
  int released = 0;
  Arena arena(std::make_unique<AdjacentSegments>(released));
  CHECK_THROWS_AS(arena.allocate(300 * kMiB), OutOfMemory);
  CHECK(arena.stats().in_use == 0);
  void* block = arena.allocate(kMiB);
  CHECK(block != nullptr);
  arena.release(block);
}

TEST_CASE("Arena serves many threads at once") {
  const auto arena = host_arena();
  std::vector<int> corrupted(4, 0);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < corrupted.size(); ++t)
    threads.emplace_back([&, t] {
      Random random(2, RandomPurpose::test, 0, t);
      std::vector<std::pair<unsigned char*, std::size_t>> blocks;
      const auto drop_last = [&] {
        const auto [data, bytes] = blocks.back();
        for (std::size_t i = 0; i < bytes; ++i) corrupted[t] += data[i] != t + 1;
        arena->release(data);
        blocks.pop_back();
      };
      for (int i = 0; i < 500; ++i) {
        const std::size_t bytes = random.below(20'000);
        blocks.emplace_back(static_cast<unsigned char*>(arena->allocate(bytes)), bytes);
        std::memset(blocks.back().first, static_cast<int>(t + 1), bytes);
        if (random.below(2) == 0) drop_last();
      }
      while (!blocks.empty()) drop_last();
    });
  for (auto& thread : threads) thread.join();
  CHECK(corrupted == std::vector<int>(4, 0));
  CHECK(arena->stats().in_use == 0);
}

TEST_CASE("Arena gives back segments that nothing is in before it says that memory has run out") {
  Arena arena(std::make_unique<LimitedSegments>(160 * kMiB));
  void* kept = arena.allocate(kMiB);
  void* large = arena.allocate(60 * kMiB);
  void* other = arena.allocate(60 * kMiB);
  CHECK(arena.stats().reserved == 160 * kMiB);
  arena.release(large);
  arena.release(other);
  void* whole = arena.allocate(100 * kMiB);  // in none of the three segments, and only 128 MiB can come free
  CHECK(arena.stats().reserved == 160 * kMiB);
  try {
    arena.allocate(300 * kMiB);
    FAIL("allocated");
  } catch (const OutOfMemory& e) {
    CHECK(e.asked() == 320 * kMiB);
    CHECK(e.held() == 160 * kMiB);
    CHECK(e.free() == 0);
    CHECK(std::string(e.what()) == "out of memory: 320 MiB asked for, 160 MiB held, 0 MiB free");
  }
  arena.release(whole);
  arena.release(kept);
  CHECK(arena.stats().in_use == 0);
}

/// What a captured step does with an arena: takes and gives back blocks, some of them of the same memory.
std::vector<std::pair<std::byte*, std::size_t>> captured_step(Arena& arena, std::uint64_t seed) {
  Random random(seed, RandomPurpose::test);
  std::vector<std::pair<std::byte*, std::size_t>> used;
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) {
    const std::size_t bytes = random.below(1 << 20);
    blocks.push_back(arena.allocate(bytes));
    used.emplace_back(static_cast<std::byte*>(blocks.back()), bytes);
    if (random.below(3) > 0) {
      std::swap(blocks[random.below(static_cast<std::uint32_t>(blocks.size()))], blocks.back());
      arena.release(blocks.back());
      blocks.pop_back();
    }
  }
  for (void* block : blocks) arena.release(block);
  return used;
}

TEST_CASE("Arena keeps what a hold recorded from all others") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto arena = host_arena();
    std::vector<void*> before;
    Random random(seed, RandomPurpose::test, 1);
    for (int i = 0; i < 20; ++i) before.push_back(arena->allocate(random.below(1 << 20)));
    for (std::size_t i = 0; i < before.size(); i += 2) arena->release(before[i]);
    const std::size_t in_use = arena->stats().in_use;

    auto hold = arena->hold();
    const auto used = captured_step(*arena, seed);
    hold->seal();
    CHECK(arena->stats().in_use > in_use);
    std::vector<void*> others;
    for (int i = 0; i < 200; ++i) {
      const std::size_t bytes = random.below(1 << 19);
      auto* block = static_cast<std::byte*>(arena->allocate(bytes));
      others.push_back(block);
      bool apart = true;
      for (const auto& [begin, size] : used) apart = apart && (block + bytes <= begin || begin + size <= block);
      REQUIRE(apart);
    }
    for (void* block : others) arena->release(block);
    hold.reset();
    CHECK(arena->stats().in_use == in_use);
    for (std::size_t i = 1; i < before.size(); i += 2) arena->release(before[i]);
    CHECK(arena->stats().in_use == 0);
  }
}

TEST_CASE("Arena gives back no segment that a hold has recorded when memory runs out") {
  const auto arena = std::make_shared<Arena>(std::make_unique<LimitedSegments>(96 * kMiB));
  void* outside = arena->allocate(30 * kMiB);
  const auto hold = arena->hold();
  void* recorded = arena->allocate(30 * kMiB);
  arena->release(recorded);
  arena->release(outside);
  CHECK_THROWS_AS(arena->allocate(90 * kMiB), OutOfMemory);
  CHECK(arena->stats().reserved == 32 * kMiB);  // what was not recorded
  hold->seal();
  CHECK(arena->stats().in_use > 30 * kMiB);
}

TEST_CASE("Arena keeps a block that comes back after its hold is sealed, and gives it away when the hold ends") {
  const auto arena = host_arena();
  auto hold = arena->hold();
  void* late = arena->allocate(8 * kMiB - 1);
  void* early = arena->allocate(8 * kMiB - 1);
  arena->release(early);
  CHECK_THROWS_AS(arena->hold(), Error);
  hold->seal();
  CHECK(arena->allocate(8 * kMiB - 1) != early);
  arena->release(late);
  CHECK(arena->allocate(8 * kMiB - 1) != late);
  hold.reset();
  CHECK(arena->allocate(16 * kMiB - 1) == late);  // the two, joined
}

TEST_CASE("Arena forgets a hold that was never sealed, and a block still in use outlives its hold") {
  const auto arena = host_arena();
  void* block = nullptr;
  {
    const auto hold = arena->hold();
    block = arena->allocate(kMiB);
    arena->release(block);
  }
  CHECK(arena->stats().in_use == 0);
  {
    const auto hold = arena->hold();
    CHECK(arena->allocate(kMiB) == block);
    hold->seal();
  }
  CHECK(arena->allocate(kMiB) != block);
  arena->release(block);
  CHECK(arena->allocate(kMiB) == block);
}

#ifdef TANDEM_UNDER_ASAN
TEST_CASE("AddressSanitizer sees a released block, and the end of one in use") {
  const auto arena = host_arena();
  auto* block = static_cast<char*>(arena->allocate(1000));
  CHECK_FALSE(__asan_address_is_poisoned(block));
  CHECK_FALSE(__asan_address_is_poisoned(block + 999));
  CHECK(__asan_address_is_poisoned(block + 1000));
  arena->release(block);
  CHECK(__asan_address_is_poisoned(block));
}
#endif

}  // namespace tandem
