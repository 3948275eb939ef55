#include "data/loader/loader.h"

#include <algorithm>
#include <new>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "data/augment/mixing.h"
#include "data/image/encoded_image.h"
#include "data/loader/prefetcher.h"

namespace tandem {
namespace {

/// Calls `body` with an image of a source as the source keeps it: an EncodedImage or an Image.
template <class Body>
void with_image(const ImageSource& source, std::size_t i, std::int64_t max_pixels, const Body& body) {
  const ImageContent content = source.content(i, max_pixels);
  if (const Image* image = std::get_if<Image>(&content)) return body(*image);
  body(EncodedImage(std::get<std::vector<std::uint8_t>>(content), source.title(i), max_pixels));
}

}  // namespace

PairLoader::PairLoader(const ImageSource& list, PairLoaderOptions options)
    : augment_(options.augment), seed_(options.seed), number_(options.first_step * options.pairs.accumulate) {
  const std::int64_t pairs = options.pairs.batch;
  require(pairs >= 1 && options.input.size >= 1, "pair loader: {} pairs of {} pixels: expected at least 1", pairs,
          options.input.size);
  PairStream stream(list.labels(), options.pairs, options.seed, list.parts());
  const std::int64_t parts = options.pairs.accumulate, last = options.last_step * parts;
  auto plan = [stream, pairs, parts, last, number = options.first_step * parts]() mutable -> std::optional<BatchPlan> {
    if (number >= last) return std::nullopt;
    BatchPlan batch{number / parts, {}};
    const std::int64_t begin = number * pairs;
    for (std::uint32_t s = 0; s < 2; ++s)
      for (std::int64_t position = begin; position < begin + pairs; ++position)
        batch.jobs.push_back({stream.image(s, position), stream.augmentation(s, position)});
    ++number;
    return batch;
  };
  auto prepare = [&list, options](const ImageJob& job, std::span<std::uint8_t> pixels) {
    with_image(list, job.image, options.max_pixels, [&](const auto& image) {
      if constexpr (std::is_same_v<decltype(image), const Image&>)
        train_transform(image, options.input, options.augment, *job.random, pixels);
      else
        train_transform(image, options.input, options.augment, options.fast_decode, *job.random, pixels);
    });
    return list.label(job.image);
  };
  prefetcher_ = std::make_unique<Prefetcher>(std::move(plan), std::move(prepare), options.input.size, options.workers);
}

PairLoader::~PairLoader() = default;

Batch PairLoader::next() {
  const std::int64_t number = number_++;  // also of a batch that cannot be prepared
  std::optional<Batch> batch = prefetcher_->next();
  require(batch.has_value(), "pair loader: no steps left");
  mix(*batch, number);
  return std::move(*batch);
}

/// Mixes the images of each tower, both in the same way. Stream 2 is none of images (pair_stream.h).
void PairLoader::mix(Batch& batch, std::int64_t number) const {
  batch.other_labels.clear();
  batch.own_share = 1;
  if (!augment_.mixes()) return;
  const Random random(seed_, RandomPurpose::augment, static_cast<std::uint32_t>(number >> 32), 2,
                      static_cast<std::uint32_t>(number));
  const std::optional<augment::Mixture> mixture = augment::draw_mixture(augment_, batch.size, random);
  const std::size_t pairs = batch.labels.size() / 2, bytes = batch.pixels.size() / 2;
  for (std::size_t tower = 0; tower < 2; ++tower) {
    const std::vector<std::int32_t> others =
        augment::labels_of_others(std::span(batch.labels).subspan(tower * pairs, pairs));
    batch.other_labels.insert(batch.other_labels.end(), others.begin(), others.end());
    if (mixture) augment::mix_images(*mixture, std::span(batch.pixels).subspan(tower * bytes, bytes), batch.size);
  }
  if (mixture) batch.own_share = mixture->share;
}

void PairLoader::recycle(Batch&& batch) { prefetcher_->recycle(std::move(batch)); }

namespace {

/// Batches of the images 0 to size - 1.
Prefetcher::Plan in_order(std::size_t size, const EvalLoaderOptions& options) {
  require(options.batch >= 1 && options.input.size >= 1,
          "evaluation loader: {} images of {} pixels: expected at least 1", options.batch, options.input.size);
  const auto batch = static_cast<std::size_t>(options.batch);
  return [size, batch, step = std::int64_t{0}]() mutable -> std::optional<BatchPlan> {
    const std::size_t begin = static_cast<std::size_t>(step) * batch;
    if (begin >= size) return std::nullopt;
    BatchPlan result{step, {}};
    for (std::size_t i = begin; i < std::min(size, begin + batch); ++i) result.jobs.push_back({i, std::nullopt});
    ++step;
    return result;
  };
}

}  // namespace

EvalLoader::EvalLoader(const ImageSource& list, EvalLoaderOptions options) {
  auto prepare = [&list, options](const ImageJob& job, std::span<std::uint8_t> pixels) {
    with_image(list, job.image, options.max_pixels,
               [&](const auto& image) { eval_transform(image, options.input, pixels); });
    return list.label(job.image);
  };
  prefetcher_ = std::make_unique<Prefetcher>(in_order(list.size(), options), std::move(prepare), options.input.size,
                                             options.workers);
}

EvalLoader::~EvalLoader() = default;

std::optional<Batch> EvalLoader::next() { return prefetcher_->next(); }

void EvalLoader::recycle(Batch&& batch) { prefetcher_->recycle(std::move(batch)); }

FileLoader::FileLoader(const std::vector<std::string>& paths, EvalLoaderOptions options) : errors_(paths.size()) {
  auto prepare = [this, &paths, options](const ImageJob& job, std::span<std::uint8_t> pixels) {
    const std::string& path = paths[job.image];
    std::string& error = errors_[job.image];
    try {
      const std::vector<std::uint8_t> content = read_image_file(path, path);
      eval_transform(EncodedImage(content, path, options.max_pixels), options.input, pixels);
    } catch (const Error& e) {
      error = e.what();
    } catch (const std::bad_alloc&) {
      error = path + ": not enough memory to resize the image";
    }
    if (!error.empty()) std::fill(pixels.begin(), pixels.end(), std::uint8_t{0});
    return 0;
  };
  prefetcher_ = std::make_unique<Prefetcher>(in_order(paths.size(), options), std::move(prepare), options.input.size,
                                             options.workers);
}

FileLoader::~FileLoader() = default;

std::optional<Batch> FileLoader::next() { return prefetcher_->next(); }

void FileLoader::recycle(Batch&& batch) { prefetcher_->recycle(std::move(batch)); }

}  // namespace tandem
