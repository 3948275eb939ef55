#include "tools/study/parts.h"

#include <algorithm>
#include <system_error>
#include <unordered_map>

#include "core/base/error.h"

namespace tandem::tools {

Parts::Parts(const std::vector<std::filesystem::path>& data, const std::filesystem::path& root) {
  std::unordered_map<std::string, std::size_t> numbers;
  for (std::size_t p = 0; p < data.size(); ++p) {
    for (std::size_t earlier = 0; earlier < p; ++earlier) {
      std::error_code ignored;
      if (std::filesystem::equivalent(data[p], data[earlier], ignored))
        fail_input("{}: named twice: expected parts that differ", data[p].string());
    }
    lists_.push_back(ImageList::load(data[p], root));
    const ImageList& list = lists_.back();
    std::vector<std::size_t> own(list.classes().size());
    for (std::size_t c = 0; c < own.size(); ++c) {
      const auto [place, is_new] = numbers.try_emplace(list.classes()[c], classes_.size());
      if (is_new) classes_.push_back(list.classes()[c]);
      own[c] = place->second;
    }
    for (const std::int32_t label : list.labels()) labels_.push_back(own[static_cast<std::size_t>(label)]);
    begin_.push_back(labels_.size());
  }
}

std::size_t Parts::part_of(std::size_t image) const {
  return static_cast<std::size_t>(std::upper_bound(begin_.begin(), begin_.end(), image) - begin_.begin()) - 1;
}

ImageSample Parts::sample(std::size_t image) const {
  const std::size_t part = part_of(image);
  return lists_[part].sample(image - begin_[part]);
}

std::string Parts::name(std::size_t image) const {
  const ImageSample one = sample(image);
  return one.path + (one.origin == lists_[part_of(image)].source() ? "" : fmt::format(" ({})", one.origin));
}

std::vector<std::string> Parts::paths() const {
  std::vector<std::string> all(size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = sample(i).path;
  return all;
}

std::vector<std::size_t> Parts::images_per_class(std::size_t part) const {
  std::vector<std::size_t> images(classes_.size());
  for (std::size_t i = begin_[part]; i < begin_[part + 1]; ++i) ++images[labels_[i]];
  return images;
}

}  // namespace tandem::tools
