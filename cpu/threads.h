#pragma once
// The threads of a CPU backend, which compute its kernels piece by piece.
//
// Work is cut into more pieces than there are threads. Each thread has a share of them, the same from one kernel to the
// next, so that it finds in its cache what it wrote before; when it is through with its share, it takes pieces of the
// others'. A thread that the system makes wait, because another program wants its processor, thus holds up one piece
// and not its share. How work is cut must depend on the problem alone, never on the number of threads, and sums of
// pieces are added in the pieces' order: then results do not depend on the number of threads, nor on which of them took
// what.
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
  /// waits. A thread begins the pieces of its share in order. The first exception is thrown again here, after all have
  /// ended. One call at a time, and none from within body.
  template <class Body>
  void for_each(std::int64_t pieces, const Body& body) {
    run(pieces, call_of<Body>, &body, false);
  }
  /// The same, but a thread begins its share with the last piece, of which its cache holds most if the kernel before
  /// went through the same pieces forwards.
  template <class Body>
  void for_each_backwards(std::int64_t pieces, const Body& body) {
    run(pieces, call_of<Body>, &body, true);
  }

 private:
  using Call = void (*)(const void* body, std::int64_t piece, int thread);
  /// The pieces of a thread's share that nobody has taken: the first << 32 | the end. In a cache line of its own.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> left{0};
  };

  template <class Body>
  static void call_of(const void* body, std::int64_t piece, int thread) {
    (*static_cast<const Body*>(body))(piece, thread);
  }
  void run(std::int64_t pieces, Call call, const void* body, bool backwards);
  void work(int thread);
  /// Does all pieces that nobody has taken, first those of its own share.
  void do_pieces(int thread);
  void do_piece(std::int64_t piece, int thread) noexcept;
  void stop();

  // The job under way. Written while no piece is left, read by who has taken a piece, which keeps it from ending.
  Call call_ = nullptr;
  const void* body_ = nullptr;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;

  std::vector<Share> shares_;           ///< one for each thread
  std::atomic<bool> backwards_{false};  ///< decides only on the order of pieces: workers may read the last job's
  alignas(64) std::atomic<std::uint32_t> undone_{0};  ///< pieces not done
  alignas(64) std::atomic<std::uint32_t> jobs_{0};    ///< grows with every job: what sleeping workers watch
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace tandem::cpu
