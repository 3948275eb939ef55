#include "cpu/threads.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "core/base/error.h"

namespace tandem::cpu {
namespace {

/// Waits, busily, until ready() or for a moment: longer than what lies between two kernels of a step, and much shorter
/// than the milliseconds after which a system gives a processor to another thread.
template <class Ready>
bool spin_until(const Ready& ready) {
  constexpr std::chrono::microseconds kMoment{100};
  constexpr int kLooks = 16;  // at a time: the clock costs more than a look
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + kMoment;
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (ready()) return true;
      _mm_pause();
    }
  } while (Clock::now() < end);
  return ready();
}

constexpr std::uint64_t kLeft = std::numeric_limits<std::uint32_t>::max();  // the bits that count pieces

}  // namespace

Threads::Threads(int count) {
  require(count >= 1, "threads: {}, expected 1 or more", count);
  workers_.reserve(static_cast<std::size_t>(count) - 1);
  try {
    for (int i = 1; i < count; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::exception& e) {
    stop();
    fail("cannot start {} threads: {}", count, e.what());
  }
}

Threads::~Threads() { stop(); }

void Threads::stop() {
  stop_ = true;
  ++jobs_;
  jobs_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Threads::work(int thread) {
  for (;;) {
    const std::uint32_t seen = jobs_;
    while (do_piece(thread)) {
    }
    if (stop_) return;
    if (!spin_until([&] { return jobs_ != seen; })) jobs_.wait(seen);
  }
}

bool Threads::do_piece(int thread) {
  std::uint64_t state = jobs_and_left_;
  do {
    if ((state & kLeft) == 0) return false;
  } while (!jobs_and_left_.compare_exchange_weak(state, state - 1));
  do_piece(call_, body_, pieces_ - static_cast<std::int64_t>(state & kLeft), thread);
  if (undone_.fetch_sub(1) == 1) undone_.notify_all();
  return true;
}

void Threads::do_piece(Call call, const void* body, std::int64_t piece, int thread) noexcept {
  try {
    call(body, piece, thread);
  } catch (...) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void Threads::run(std::int64_t pieces, Call call, const void* body) {
  if (pieces == 1 || workers_.empty()) {
    for (std::int64_t piece = 0; piece < pieces; ++piece) call(body, piece, 0);
    return;
  }
  if (pieces <= 0) return;
  require(pieces <= static_cast<std::int64_t>(kLeft), "threads: {} pieces, expected at most {}", pieces, kLeft);
  call_ = call;
  body_ = body;
  pieces_ = static_cast<std::uint32_t>(pieces);
  undone_ = pieces_;
  jobs_and_left_ = ((jobs_and_left_ >> 32) + 1) << 32 | pieces_;
  ++jobs_;
  // Not more than there is work for.
  const auto wanted = static_cast<std::size_t>(pieces) - 1;
  if (wanted < workers_.size())
    for (std::size_t i = 0; i < wanted; ++i) jobs_.notify_one();
  else
    jobs_.notify_all();
  while (do_piece(0)) {
  }
  // A worker may still be at a piece, or, when the system made it wait, not yet be back at it.
  if (!spin_until([&] { return undone_ == 0; }))
    for (std::uint32_t undone = undone_; undone != 0; undone = undone_) undone_.wait(undone);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace tandem::cpu
