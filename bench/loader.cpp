#include "bench/loader.h"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>

#include "bench/photos.h"
#include "data/loader/loader.h"
#include "data/source/open_source.h"

namespace tandem {
namespace {

/// What all threads of the process have computed.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

PairLoaderOptions loader_options(const LoaderBenchOptions& options) {
  PairLoaderOptions loading;
  loading.pairs.batch = options.pairs;
  loading.input = options.size;
  loading.workers = static_cast<unsigned>(options.workers);
  loading.fast_decode = options.fast_decode;
  // One more, which is not timed: while it is waited for, the workers start and the files come into the page cache.
  loading.last_step = options.batches + 1;
  return loading;
}

/// By how much values of pixels differ between fast and full decoding: the mean over a batch.
double effect_of_fast_decoding(const ImageSource& list, PairLoaderOptions options) {
  options.fast_decode = true;
  const Batch fast = PairLoader(list, options).next();
  options.fast_decode = false;
  const Batch full = PairLoader(list, options).next();
  double sum = 0;
  for (std::size_t i = 0; i < full.pixels.size(); ++i) sum += std::abs(fast.pixels[i] - full.pixels[i]);
  return sum / static_cast<double>(full.pixels.size());
}

}  // namespace

nlohmann::ordered_json bench_loader(const LoaderBenchOptions& options) {
  const std::unique_ptr<const ImageSource> source = open_source({options.data});
  PairLoader loader(*source, loader_options(options));
  loader.recycle(loader.next());
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const double cpu_begin = cpu_seconds();
  for (int i = 0; i < options.batches; ++i) loader.recycle(loader.next());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double cpu = cpu_seconds() - cpu_begin;
  const double images = 2.0 * options.pairs * options.batches;
  return {{"images_per_s", images / seconds},
          {"images_per_cpu_s", images / cpu},
          {"images", images},
          {"seconds", seconds},
          {"size", options.size},
          {"workers", options.workers},
          {"data", options.data},
          {"fast_decode", options.fast_decode}};
}

nlohmann::ordered_json bench_photos(const std::string& folder, const LoaderBenchOptions& options) {
  make_photos(folder);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const PhotoKind& kind : photo_kinds()) {
    LoaderBenchOptions one = options;
    one.data = (std::filesystem::path(folder) / kind.name).string();
    one.pairs = kind.files / 2;
    one.batches = kind.timed / kind.files;
    for (const int workers : {1, 2}) {
      one.workers = workers;
      all.push_back(bench_loader(one));
    }
    all.back()["mean_difference"] = effect_of_fast_decoding(*open_source({one.data}), loader_options(one));
  }
  return {{"photos", all}};
}

}  // namespace tandem
