#include "data/loader.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "data/image.h"
#include "data/pair_stream.h"
#include "data/prefetcher.h"

namespace tandem {

PairLoader::PairLoader(const ImageList& list, PairLoaderOptions options) {
  require(options.pairs >= 1 && options.image_size >= 1, "pair loader: {} pairs of {} pixels: expected at least 1",
          options.pairs, options.image_size);
  PairStream stream(static_cast<std::uint32_t>(list.size()), options.pairs, options.seed);
  auto plan = [stream, options, step = options.first_step]() mutable -> std::optional<BatchPlan> {
    if (step >= options.last_step) return std::nullopt;
    BatchPlan batch{step, {}};
    const std::int64_t begin = step * options.pairs;
    for (std::uint32_t s = 0; s < 2; ++s)
      for (std::int64_t position = begin; position < begin + options.pairs; ++position)
        batch.jobs.push_back({stream.image(s, position), stream.augmentation(s, position)});
    ++step;
    return batch;
  };
  auto prepare = [&list, options](const ImageJob& job, std::span<std::uint8_t> pixels) {
    const ImageSample sample = list.sample(job.image);
    train_transform(read_image(sample.path, sample.origin), options.image_size, options.augment, *job.random, pixels);
    return sample.label;
  };
  prefetcher_ = std::make_unique<Prefetcher>(std::move(plan), std::move(prepare), options.image_size, options.workers);
}

PairLoader::~PairLoader() = default;

Batch PairLoader::next() {
  std::optional<Batch> batch = prefetcher_->next();
  require(batch.has_value(), "pair loader: no steps left");
  return std::move(*batch);
}

void PairLoader::recycle(Batch&& batch) { prefetcher_->recycle(std::move(batch)); }

EvalLoader::EvalLoader(const ImageList& list, EvalLoaderOptions options) {
  require(options.batch >= 1 && options.image_size >= 1,
          "evaluation loader: {} images of {} pixels: expected at least 1", options.batch, options.image_size);
  auto plan = [size = list.size(), options, step = std::int64_t{0}]() mutable -> std::optional<BatchPlan> {
    const auto batch = static_cast<std::size_t>(options.batch);
    const std::size_t begin = static_cast<std::size_t>(step) * batch;
    if (begin >= size) return std::nullopt;
    BatchPlan result{step, {}};
    for (std::size_t i = begin; i < std::min(size, begin + batch); ++i) result.jobs.push_back({i, std::nullopt});
    ++step;
    return result;
  };
  auto prepare = [&list, options](const ImageJob& job, std::span<std::uint8_t> pixels) {
    const ImageSample sample = list.sample(job.image);
    eval_transform(read_image(sample.path, sample.origin), options.image_size, pixels);
    return sample.label;
  };
  prefetcher_ = std::make_unique<Prefetcher>(std::move(plan), std::move(prepare), options.image_size, options.workers);
}

EvalLoader::~EvalLoader() = default;

std::optional<Batch> EvalLoader::next() { return prefetcher_->next(); }

void EvalLoader::recycle(Batch&& batch) { prefetcher_->recycle(std::move(batch)); }

}  // namespace tandem
