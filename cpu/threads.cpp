#include "cpu/threads.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

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

constexpr std::uint64_t kEnd = std::numeric_limits<std::uint32_t>::max();  // the bits of a share's end

/// Takes the first piece of a share, or its last.
std::optional<std::int64_t> take(std::atomic<std::uint64_t>& left, bool first) {
  std::uint64_t state = left;
  do {
    if (state >> 32 == (state & kEnd)) return std::nullopt;
  } while (!left.compare_exchange_weak(state, first ? state + kEnd + 1 : state - 1));
  return static_cast<std::int64_t>(first ? state >> 32 : (state & kEnd) - 1);
}

}  // namespace

Threads::Threads(int count) : shares_(static_cast<std::size_t>(std::max(count, 1))) {
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
    do_pieces(thread);
    if (stop_) return;
    if (!spin_until([&] { return jobs_ != seen; })) jobs_.wait(seen);
  }
}

void Threads::do_pieces(int thread) {
  const auto count = shares_.size(), own = static_cast<std::size_t>(thread);
  for (std::size_t i = 0; i < count; ++i) {
    std::atomic<std::uint64_t>& left = shares_[(own + i) % count].left;
    const bool own_share = i == 0;  // others' from the other end
    while (const auto piece = take(left, own_share != backwards_)) do_piece(*piece, thread);
  }
}

void Threads::do_piece(std::int64_t piece, int thread) noexcept {
  try {
    call_(body_, piece, thread);
  } catch (...) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  if (undone_.fetch_sub(1) == 1) undone_.notify_all();
}

void Threads::run(std::int64_t pieces, Call call, const void* body, bool backwards) {
  if (pieces == 1 || workers_.empty()) {
    for (std::int64_t i = 0; i < pieces; ++i) call(body, backwards ? pieces - 1 - i : i, 0);
    return;
  }
  if (pieces <= 0) return;
  require(pieces <= static_cast<std::int64_t>(kEnd), "threads: {} pieces, expected at most {}", pieces, kEnd);
  call_ = call;
  body_ = body;
  backwards_ = backwards;
  undone_ = static_cast<std::uint32_t>(pieces);
  const auto all = static_cast<std::uint64_t>(pieces), count = static_cast<std::uint64_t>(shares_.size());
  for (std::uint64_t i = 0; i < count; ++i) shares_[i].left = all * i / count << 32 | all * (i + 1) / count;
  ++jobs_;
  // Not more than there is work for.
  const auto wanted = static_cast<std::size_t>(pieces) - 1;
  if (wanted < workers_.size())
    for (std::size_t i = 0; i < wanted; ++i) jobs_.notify_one();
  else
    jobs_.notify_all();
  do_pieces(0);
  // A worker may still be at a piece, or, when the system made it wait, not yet be back at it.
  if (!spin_until([&] { return undone_ == 0; }))
    for (std::uint32_t undone = undone_; undone != 0; undone = undone_) undone_.wait(undone);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace tandem::cpu
