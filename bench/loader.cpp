#include "bench/loader.h"

#include <chrono>
#include <memory>

#include "data/loader/loader.h"
#include "data/source/open_source.h"

namespace tandem {

nlohmann::ordered_json bench_loader(const LoaderBenchOptions& options) {
  const std::unique_ptr<const ImageSource> source = open_source({options.data});
  PairLoaderOptions loading;
  loading.pairs.batch = options.pairs;
  loading.input = options.size;
  loading.workers = static_cast<unsigned>(options.workers);
  // One more, which is not timed: while it is waited for, the workers start and the files come into the page cache.
  loading.last_step = options.batches + 1;
  PairLoader loader(*source, loading);
  loader.recycle(loader.next());
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (int i = 0; i < options.batches; ++i) loader.recycle(loader.next());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double images = 2.0 * options.pairs * options.batches;
  return {{"images_per_s", images / seconds}, {"images", images},    {"seconds", seconds}, {"size", options.size},
          {"workers", options.workers},       {"data", options.data}};
}

}  // namespace tandem
