#include "data/loader/prefetcher.h"

#include <utility>

namespace tandem {
namespace {

// One being used up by the workers, one ready, one to even out what batches take.
constexpr std::size_t kBatchesAhead = 3;

}  // namespace

Prefetcher::Prefetcher(Plan plan, Prepare prepare, int size, unsigned workers)
    : plan_(std::move(plan)), prepare_(std::move(prepare)), size_(size) {
  if (workers == 0) return;
  pool_ = std::make_unique<ThreadPool>(workers, /*background=*/true);
  plan_ahead(kBatchesAhead);
}

std::optional<Batch> Prefetcher::next() {
  if (pool_ == nullptr) plan_ahead(1);
  if (pending_.empty()) return std::nullopt;
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return pending_.front()->remaining == 0; });
  }
  const std::unique_ptr<Pending> ready = std::move(pending_.front());
  pending_.pop_front();
  if (pool_ != nullptr) plan_ahead(kBatchesAhead);
  if (ready->failure) std::rethrow_exception(ready->failure);
  return std::move(ready->batch);
}

void Prefetcher::recycle(Batch&& batch) {
  if (spare_.size() < kBatchesAhead) spare_.push_back(std::move(batch));
}

/// Fills the queue up to a number of batches.
void Prefetcher::plan_ahead(std::size_t batches) {
  while (pending_.size() < batches) {
    std::optional<BatchPlan> plan = plan_();
    if (!plan) return;
    Batch batch = empty_batch(*plan);
    const std::size_t jobs = plan->jobs.size();
    pending_.push_back(std::make_unique<Pending>(Pending{std::move(batch), std::move(plan->jobs), jobs, 0, {}}));
    Pending& pending = *pending_.back();
    for (std::size_t job = 0; job < jobs; ++job) {
      if (pool_ == nullptr)
        run_job(pending, job);
      else
        pool_->submit([this, &pending, job] { run_job(pending, job); });
    }
  }
}

Batch Prefetcher::empty_batch(const BatchPlan& plan) {
  Batch batch;
  if (!spare_.empty()) {
    batch = std::move(spare_.back());
    spare_.pop_back();
  }
  batch.step = plan.step;
  batch.images = static_cast<int>(plan.jobs.size());
  batch.size = size_;
  const auto side = static_cast<std::size_t>(size_);
  batch.pixels.resize(plan.jobs.size() * side * side * 3);
  batch.labels.resize(plan.jobs.size());
  return batch;
}

void Prefetcher::run_job(Pending& pending, std::size_t job) {
  const std::size_t bytes = pending.batch.pixels.size() / pending.jobs.size();
  std::exception_ptr failure;
  try {
    const std::span<std::uint8_t> pixels = std::span(pending.batch.pixels).subspan(job * bytes, bytes);
    pending.batch.labels[job] = prepare_(pending.jobs[job], pixels);
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (failure && (!pending.failure || job < pending.failed_job)) {
    pending.failure = std::move(failure);
    pending.failed_job = job;
  }
  // Notified under the lock: without it, next() could return and the loader be destroyed in between.
  if (--pending.remaining == 0) done_.notify_all();
}

}  // namespace tandem
