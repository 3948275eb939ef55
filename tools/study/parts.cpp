#include "tools/study/parts.h"

#include <algorithm>
#include <system_error>
#include <unordered_map>

#include "core/base/error.h"
#include "data/source/open_source.h"

namespace tandem::tools {

Parts::Parts(const std::vector<std::filesystem::path>& data, const std::filesystem::path& root) {
  std::unordered_map<std::string, std::size_t> numbers;
  for (std::size_t p = 0; p < data.size(); ++p) {
    for (std::size_t earlier = 0; earlier < p; ++earlier) {
      std::error_code ignored;
      if (std::filesystem::equivalent(data[p], data[earlier], ignored))
        fail_input("{}: named twice: expected parts that differ", data[p].string());
    }
    lists_.push_back(open_source({data[p].string(), root}));
    const ImageSource& list = *lists_.back();
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
  const std::size_t part = part_of(image), i = image - begin_[part];
  return {lists_[part]->name(i), lists_[part]->label(i), lists_[part]->origin(i)};
}

std::string Parts::name(std::size_t image) const {
  const ImageSample one = sample(image);
  const bool is_plain = one.origin.empty() || one.origin == lists_[part_of(image)]->source();
  return one.path + (is_plain ? "" : fmt::format(" ({})", one.origin));
}

ImageContent Parts::content(std::size_t image, std::int64_t max_pixels) const {
  const std::size_t part = part_of(image);
  return lists_[part]->content(image - begin_[part], max_pixels);
}

std::string Parts::title(std::size_t image) const {
  const std::size_t part = part_of(image);
  return lists_[part]->title(image - begin_[part]);
}

void Parts::require_files(const std::string& what) const {
  for (const auto& list : lists_)
    if (!list->is_of_files())
      fail_input("{}: {}: not a list of image files: expected a list, a folder or a table", what, list->source());
}

StoredFiles Parts::stored() const {
  return {size(),
          [this](std::size_t image) {
            const std::size_t part = part_of(image);
            return lists_[part]->stored_bytes(image - begin_[part]);
          },
          [this](std::size_t image, std::uint64_t from, std::span<std::uint8_t> bytes) {
            const std::size_t part = part_of(image);
            return lists_[part]->read_stored(image - begin_[part], from, bytes);
          }};
}

std::vector<std::size_t> Parts::images_per_class(std::size_t part) const {
  std::vector<std::size_t> images(classes_.size());
  for (std::size_t i = begin_[part]; i < begin_[part + 1]; ++i) ++images[labels_[i]];
  return images;
}

}  // namespace tandem::tools
