#include "data/source/joined_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.h"

namespace tandem {
namespace {

std::uint64_t draws_of(const JoinedSource::Part& part) {
  const double draws = std::round(part.weight * static_cast<double>(part.source->size()));
  return draws < 1 ? 1 : draws < 0x1p32 ? static_cast<std::uint64_t>(draws) : std::uint64_t{1} << 32;
}

}  // namespace

JoinedSource::JoinedSource(std::vector<Part> parts) : parts_(std::move(parts)), begins_{0} {
  require(!parts_.empty(), "no sources to join");
  classes_ = parts_[0].source->classes();
  std::uint64_t draws = 0;
  for (const Part& part : parts_) {
    const ImageSource& one = *part.source;
    require(one.classes() == classes_, "joined sources have different classes");
    begins_.push_back(begins_.back() + one.size());
    draws += draws_of(part);
    source_ += (source_.empty() ? "" : ", ") + one.source();
    if (part.source == parts_[0].source)
      naming_ = one.naming();
    else
      oddities_.push_back(one.naming());
    oddities_.insert(oddities_.end(), one.oddities().begin(), one.oddities().end());
  }
  if (std::max<std::uint64_t>(draws, size()) > std::numeric_limits<std::uint32_t>::max())
    fail_input("{}: {} images, of which an epoch shows {}: expected fewer than 2^32", source_, size(), draws);
}

JoinedSource::Place JoinedSource::find(std::size_t i) const {
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), i);
  const auto part = static_cast<std::size_t>(after - begins_.begin()) - 1;
  return {*parts_[part].source, i - begins_[part]};
}

std::int32_t JoinedSource::label(std::size_t i) const {
  const Place place = find(i);
  return place.source.label(place.image);
}

std::string JoinedSource::name(std::size_t i) const {
  const Place place = find(i);
  return place.source.name(place.image);
}

std::string JoinedSource::origin(std::size_t i) const {
  const Place place = find(i);
  return place.source.origin(place.image);
}

std::string JoinedSource::identity(std::size_t i) const {
  const Place place = find(i);
  return place.source.identity(place.image);
}

ImageContent JoinedSource::content(std::size_t i, std::int64_t max_pixels) const {
  const Place place = find(i);
  return place.source.content(place.image, max_pixels);
}

std::uint64_t JoinedSource::stored_bytes(std::size_t i) const {
  const Place place = find(i);
  return place.source.stored_bytes(place.image);
}

bool JoinedSource::read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const {
  const Place place = find(i);
  return place.source.read_stored(place.image, from, bytes);
}

std::string JoinedSource::group(std::size_t i) const {
  const Place place = find(i);
  return place.source.group(place.image);
}

std::vector<SourcePart> JoinedSource::parts() const {
  std::vector<SourcePart> parts;
  for (const Part& part : parts_)
    parts.push_back({static_cast<std::uint32_t>(part.source->size()), static_cast<std::uint32_t>(draws_of(part))});
  return parts;
}

}  // namespace tandem
