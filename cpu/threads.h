#pragma once
// The threads of a CPU backend, which compute its kernels piece by piece.
//
// Work is cut into more pieces than there are threads, and each thread takes the next one when it has done its last: a
// thread that the system makes wait, because another program wants its processor, holds up one piece and not its share
// of all. How work is cut must depend on the problem alone, never on the number of threads, and sums of pieces are
// added in the pieces' order: then results do not depend on the number of threads, nor on which of them took what.
//
// A thread without work looks for some for a moment, since in a training step the next is microseconds away, and then
// sleeps, so that the processor is free for others: OpenMP's threads, which spin for milliseconds, would keep a
// neighbour's program and one another from it.

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem::cpu {

class Threads {
 public:
  /// `count` (≥ 1) threads, of which the one that calls for_each() is the first. Error if they cannot be started.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(piece, thread) for each piece in [0, pieces), thread in [0, count()) being the one that does it, and
  /// waits. The pieces begin in order. The first exception is thrown again here, after all have ended. One call at a
  /// time, and none from within body.
  template <class Body>
  void for_each(std::int64_t pieces, const Body& body) {
    run(
        pieces, [](const void* it, std::int64_t piece, int thread) { (*static_cast<const Body*>(it))(piece, thread); },
        &body);
  }

 private:
  using Call = void (*)(const void* body, std::int64_t piece, int thread);

  void run(std::int64_t pieces, Call call, const void* body);
  void work(int thread);
  /// Does one piece if there is one left.
  bool do_piece(int thread);
  void do_piece(Call call, const void* body, std::int64_t piece, int thread) noexcept;
  void stop();

  // The job under way. Written while no piece is left, read by who has taken a piece, which keeps it from ending.
  Call call_ = nullptr;
  const void* body_ = nullptr;
  std::uint32_t pieces_ = 0;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;

  alignas(64) std::atomic<std::uint64_t> jobs_and_left_{0};  ///< jobs so far << 32 | pieces that nobody has taken
  alignas(64) std::atomic<std::uint32_t> undone_{0};         ///< pieces not done
  alignas(64) std::atomic<std::uint32_t> jobs_{0};           ///< grows with every job: what sleeping workers watch
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace tandem::cpu
