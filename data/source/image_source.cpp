#include "data/source/image_source.h"

namespace tandem {

std::vector<std::int32_t> ImageSource::labels() const {
  std::vector<std::int32_t> all(size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = label(i);
  return all;
}

std::string ImageSource::title(std::size_t i) const {
  const std::string by = origin(i);
  return by.empty() ? name(i) : by + ": " + name(i);
}

Image read_image(const ImageSource& source, std::size_t i, std::int64_t max_pixels) {
  ImageContent content = source.content(i, max_pixels);
  if (auto* const pixels = std::get_if<Image>(&content)) return std::move(*pixels);
  return decode_image(std::get<std::vector<std::uint8_t>>(content), source.title(i), max_pixels);
}

}  // namespace tandem
