#include "data/source/packed_source.h"

#include <limits>
#include <new>

#include "core/base/error.h"

namespace tandem {

bool PackedSource::read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const {
  const Place& place = places_[i];
  if (from > place.bytes || bytes.size() > place.bytes - from) return false;
  return file_of(i).try_read(place.begin + from, bytes);
}

void PackedSource::label_images(const LabelWords& words, bool are_names, const ClassNames& own,
                                const ExpectedClasses& expected) {
  if (places_.empty()) fail_input("{}: no images: expected at least one", source_);
  if (places_.size() > std::numeric_limits<std::uint32_t>::max())
    fail_input("{}: {} images: expected fewer than 2^32", source_, places_.size());
  ClassLabels made = class_labels(source_, words, are_names, own, expected, [this](std::size_t i) { return title(i); });
  labels_ = std::move(made.labels);
  classes_ = std::move(made.classes);
  naming_ = std::move(made.naming);
}

std::optional<std::uint64_t> Planes::bytes() const {
  constexpr std::int64_t kMaxSide = 65535;
  if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > kMaxSide || width > kMaxSide)
    return std::nullopt;
  return static_cast<std::uint64_t>(height * width * channels);
}

Image picture_of(const Planes& planes, std::span<const std::uint8_t> bytes, const std::string& title,
                 std::int64_t max_pixels) {
  if (planes.height < 2 || planes.width < 2)
    fail_input("{}: image is {}x{} pixels: expected at least 2x2", title, planes.width, planes.height);
  if (planes.height * planes.width > max_pixels)
    fail_input("{}: image is {}x{} pixels: expected at most {} in all (data.max_pixels of a config, --max-pixels)",
               title, planes.width, planes.height, max_pixels);
  Image image{static_cast<int>(planes.height), static_cast<int>(planes.width), {}};
  const auto plane = static_cast<std::size_t>(planes.height * planes.width);
  try {
    image.pixels.resize(3 * plane);
  } catch (const std::bad_alloc&) {
    fail("{}: not enough memory for {}x{} pixels", title, planes.width, planes.height);
  }
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t from = planes.channels == 1 ? 0 : planes.bgr ? 2 - c : c;
    const std::uint8_t* in = bytes.data() + from * plane;
    std::uint8_t* out = image.pixels.data() + c;
    for (std::size_t p = 0; p < plane; ++p) out[3 * p] = in[p];
  }
  return image;
}

}  // namespace tandem
