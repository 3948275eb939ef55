#include "data/list_checks.h"

#include <map>
#include <mutex>
#include <utility>

#include "core/error.h"
#include "core/thread_pool.h"
#include "data/image.h"

namespace tandem {

std::vector<BadImage> find_bad_images(const ImageList& list, unsigned threads, std::size_t limit) {
  std::mutex mutex;
  std::map<std::size_t, std::string> bad;
  parallel_for_each(list.size(), threads, [&](std::size_t i) {
    {
      const std::lock_guard lock(mutex);
      if (bad.size() >= limit && (limit == 0 || i > bad.rbegin()->first)) return;  // enough come before this one
    }
    try {
      const ImageSample sample = list.sample(i);
      read_image(sample.path, sample.origin);
    } catch (const InputError& e) {
      const std::lock_guard lock(mutex);
      bad.emplace(i, e.what());
    }
  });
  std::vector<BadImage> result;
  for (auto& [index, message] : bad)
    if (result.size() < limit) result.push_back({index, std::move(message)});
  return result;
}

void check_decodes(const ImageList& list, unsigned threads) {
  const std::vector<BadImage> bad = find_bad_images(list, threads, 1);
  if (!bad.empty()) throw InputError(bad.front().message);
}

}  // namespace tandem
