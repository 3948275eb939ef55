#include "data/list/list_checks.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "data/list/class_names.h"

namespace tandem {

std::vector<BadImage> find_bad_images(const ImageSource& list, unsigned threads, std::size_t limit,
                                      std::int64_t max_pixels) {
  std::mutex mutex;
  std::map<std::size_t, std::string> bad;
  parallel_for_each(list.size(), threads, [&](std::size_t i) {
    {
      const std::lock_guard lock(mutex);
      if (bad.size() >= limit && (limit == 0 || i > bad.rbegin()->first)) return;  // enough come before this one
    }
    try {
      (void)read_image(list, i, max_pixels);
    } catch (const Error& e) {
      const std::lock_guard lock(mutex);
      bad.emplace(i, e.what());
    }
  });
  std::vector<BadImage> result;
  for (auto& [index, message] : bad)
    if (result.size() < limit) result.push_back({index, std::move(message)});
  return result;
}

void check_decodes(const ImageSource& list, std::int64_t max_pixels, unsigned threads) {
  const std::vector<BadImage> bad = find_bad_images(list, threads, 1, max_pixels);
  if (!bad.empty()) throw InputError(bad.front().message);
}

std::vector<std::size_t> images_per_class(const ImageSource& list) {
  std::vector<std::size_t> images(list.classes().size());
  for (std::size_t i = 0; i < list.size(); ++i) ++images[static_cast<std::size_t>(list.label(i))];
  return images;
}

void require_two_classes(const ImageSource& list) {
  const std::vector<std::size_t> images = images_per_class(list);
  if (std::count(images.begin(), images.end(), std::size_t{0}) + 1 < static_cast<std::ptrdiff_t>(images.size())) return;
  fail_input("{}: all its images are of the class {}: expected two classes or more", list.source(),
             in_quotes(list.classes()[static_cast<std::size_t>(list.label(0))]));
}

std::vector<std::string> remarks(const ImageSource& list) {
  std::vector<std::string> lines;
  const std::vector<std::size_t> images = images_per_class(list);
  std::vector<std::string> without;
  for (std::size_t c = 0; c < images.size(); ++c)
    if (images[c] == 0) without.push_back(list.classes()[c]);
  if (!without.empty())
    lines.push_back(fmt::format("{}: classes without images: {}", list.source(), short_list(without)));

  lines.insert(lines.end(), list.oddities().begin(), list.oddities().end());
  return lines;
}

}  // namespace tandem
