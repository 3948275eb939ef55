#pragma once
// A fixed set of worker threads with a first-in first-out queue: the data loader's workers. (Compute kernels use the
// backend's own threads.)

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem {

class ThreadPool {
 public:
  /// Starts `threads` (≥ 1) workers; Error if they cannot all be started. With `background`, they run at a lower
  /// priority than the thread that starts them, whatever that one's is.
  explicit ThreadPool(unsigned threads, bool background = false);
  /// Drops tasks that have not begun, waits for those that have.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Queues a task. The task must not throw: it reports through what it captured.
  void submit(std::function<void()> task);
  std::size_t size() const { return workers_.size(); }

 private:
  void work();
  void stop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

/// Calls body(i) for every i in [0, n) on up to `threads` threads (0: one per usable processor) and waits; on fewer
/// where no more can be started. The first exception is thrown again here, after the others have stopped.
void parallel_for_each(std::size_t n, unsigned threads, const std::function<void(std::size_t)>& body);

}  // namespace tandem
