#include "bench/loader.h"

#include <chrono>
#include <filesystem>
#include <memory>

#include "bench/photos.h"
#include "data/loader/loader.h"
#include "data/source/open_source.h"

namespace tandem {

nlohmann::ordered_json bench_loader(const LoaderBenchOptions& options) {
  const std::unique_ptr<const ImageSource> source = open_source({options.data});
  PairLoaderOptions loading;
  loading.pairs.batch = options.pairs;
  loading.input = options.size;
  loading.workers = static_cast<unsigned>(options.workers);
  loading.fast_decode = options.fast_decode;
  // One more, which is not timed: while it is waited for, the workers start and the files come into the page cache.
  loading.last_step = options.batches + 1;
  PairLoader loader(*source, loading);
  loader.recycle(loader.next());
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (int i = 0; i < options.batches; ++i) loader.recycle(loader.next());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double images = 2.0 * options.pairs * options.batches;
  return {{"images_per_s", images / seconds},
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
  }
  return {{"photos", all}};
}

}  // namespace tandem
