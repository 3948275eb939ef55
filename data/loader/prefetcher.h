#pragma once
// Prepares batches ahead of their use on worker threads; what the loaders share. A task is one image, so
// that all workers share the batch that is needed next.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/base/rng.h"
#include "core/base/thread_pool.h"
#include "data/loader/batch.h"

namespace tandem {

/// One image to prepare.
struct ImageJob {
  std::size_t image;             // index into the list
  std::optional<Random> random;  // what augments it
};

/// The images of one batch, in order.
struct BatchPlan {
  std::int64_t step;
  std::vector<ImageJob> jobs;
};

class Prefetcher {
 public:
  /// Names the batches one after the other, then nothing. Called by the thread that calls next().
  using Plan = std::function<std::optional<BatchPlan>()>;
  /// Writes a job's pixels (size, size, 3) and returns its label. Called by several threads at once; may throw.
  using Prepare = std::function<std::int32_t(const ImageJob& job, std::span<std::uint8_t> pixels)>;

  /// Begins at once, unless workers = 0: then next() does the work.
  Prefetcher(Plan plan, Prepare prepare, int size, unsigned workers);

  /// The next batch; none after the last. Throws what preparing the batch's first bad image threw; the call after that
  /// goes on with the next batch.
  std::optional<Batch> next();
  /// Keeps a batch's buffers for a batch to come.
  void recycle(Batch&& batch);

 private:
  /// A batch being prepared.
  struct Pending {
    Batch batch;
    std::vector<ImageJob> jobs;
    // Guarded by mutex_:
    std::size_t remaining;
    std::size_t failed_job = 0;  // of the failures so far, the one with the lowest index
    std::exception_ptr failure;
  };

  void plan_ahead(std::size_t batches);
  Batch empty_batch(const BatchPlan& plan);
  void run_job(Pending& pending, std::size_t job);

  Plan plan_;
  Prepare prepare_;
  int size_;
  std::vector<Batch> spare_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::deque<std::unique_ptr<Pending>> pending_;  // in order; only the thread that calls next() changes the queue
  std::unique_ptr<ThreadPool> pool_;              // null: no workers. Last, so that its threads end before the rest
};

}  // namespace tandem
