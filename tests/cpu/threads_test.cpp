#include "cpu/threads.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "tests/support/catch.h"

namespace tandem::cpu {

TEST_CASE("Every piece is done once, in whatever number of threads") {
  for (const int count : {1, 2, 3, 8}) {
    Threads threads(count);
    CHECK(threads.count() == count);
    for (const std::int64_t pieces : {0, 1, 2, 3, 7, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(pieces));
      std::atomic<bool> known = true;
      threads.for_each(pieces, [&](std::int64_t piece, int thread) {
        if (thread < 0 || thread >= count) known = false;
        ++done[static_cast<std::size_t>(piece)];
      });
      CHECK(known);
      CHECK(std::all_of(done.begin(), done.end(), [](const std::atomic<int>& times) { return times == 1; }));
    }
  }
}

TEST_CASE("Many short jobs follow each other, also after the threads have gone to sleep") {
  Threads threads(4);
  std::int64_t sum = 0;
  std::vector<std::int64_t> parts(16);
  for (int job = 0; job < 20000; ++job) {
    const auto pieces = static_cast<std::int64_t>(1 + job % 16);
    threads.for_each(pieces, [&](std::int64_t piece, int) { parts[static_cast<std::size_t>(piece)] = job + piece; });
    for (std::int64_t piece = 0; piece < pieces; ++piece) sum += parts[static_cast<std::size_t>(piece)] - job - piece;
    if (job % 5000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(sum == 0);
}

TEST_CASE("A thread that is held up holds up one piece, not a share of all") {
  Threads threads(2);
  std::atomic<int> others = 0;
  // Whoever takes the first piece does not end it before all others are done: with equal shares this would never end.
  threads.for_each(100, [&](std::int64_t piece, int) {
    if (piece > 0)
      ++others;
    else
      while (others < 99) sched_yield();
  });
  CHECK(others == 99);
}

TEST_CASE("Each thread begins with a share of its own, the same in every job, and backwards with its end") {
  Threads threads(2);
  std::atomic<int> begun = 0;
  std::vector<std::int64_t> first(2);
  // A thread does not end its first piece before the other has begun one.
  const auto note = [&](std::int64_t piece, int thread) {
    if (begun >= 2) return;
    first[static_cast<std::size_t>(thread)] = piece;
    ++begun;
    while (begun < 2) sched_yield();
  };
  // A worker that the system makes wait may begin a job in the order of the one before.
  constexpr int kJobs = 100;
  int as_expected = 0;
  for (int job = 0; job < kJobs; ++job) {
    begun = 0;
    threads.for_each(101, note);
    as_expected += first == std::vector<std::int64_t>{0, 50} ? 1 : 0;
    begun = 0;
    threads.for_each_backwards(101, note);
    as_expected += first == std::vector<std::int64_t>{49, 100} ? 1 : 0;
  }
  CHECK(as_expected > kJobs);  // of twice as many: more than one order alone would reach
}

TEST_CASE("An exception in a piece comes back to the caller, and the threads go on") {
  Threads threads(3);
  for (int i = 0; i < 100; ++i) {
    std::atomic<int> done = 0;
    CHECK_THROWS_WITH(threads.for_each(20,
                                       [&](std::int64_t piece, int) {
                                         if (piece == 7) throw std::runtime_error("seven");
                                         ++done;
                                       }),
                      "seven");
    CHECK(done == 19);
    threads.for_each(20, [&](std::int64_t, int) { ++done; });
    CHECK(done == 39);
  }
}

}  // namespace tandem::cpu
