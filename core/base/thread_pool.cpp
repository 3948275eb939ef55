#include "core/base/thread_pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <utility>

#include "core/base/error.h"
#include "core/base/processors.h"

namespace tandem {
namespace {

/// Makes this thread give way to those of its process that compute. On Linux a priority belongs to a thread, which has
/// begun with its process's. Failure is harmless: the thread then goes on as it is.
void lower_priority() {
  constexpr int kStep = 5, kLowest = 19;
  errno = 0;
  const int now = getpriority(PRIO_PROCESS, 0);
  if (errno == 0) (void)setpriority(PRIO_PROCESS, 0, std::min(now + kStep, kLowest));
}

}  // namespace

ThreadPool::ThreadPool(unsigned threads, bool background) {
  threads = std::max(1U, threads);
  workers_.reserve(threads);
  try {
    for (unsigned i = 0; i < threads; ++i)
      workers_.emplace_back([this, background] {
        if (background) lower_priority();
        work();
      });
  } catch (const std::exception& e) {
    stop();
    fail("cannot start {} threads: {}", threads, e.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    queue_.clear();
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void ThreadPool::work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

void parallel_for_each(std::size_t n, unsigned threads, const std::function<void(std::size_t)>& body) {
  if (threads == 0) threads = static_cast<unsigned>(usable_processors().count);
  threads = static_cast<unsigned>(std::min<std::size_t>(threads, std::max<std::size_t>(n, 1)));
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&] {
    for (std::size_t i = next++; i < n; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = n;
      }
    }
  };
  std::vector<std::thread> others;
  others.reserve(threads);
  try {
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(run);
  } catch (const std::exception&) {  // No more threads to be had: those there are do the work.
  }
  run();
  for (auto& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tandem
