#include "data/loader/pair_stream.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"

namespace tandem {

PairStream::PairStream(const std::vector<std::int32_t>& labels, const PairOptions& options, std::uint64_t seed,
                       std::vector<SourcePart> parts)
    : parts_(std::move(parts)),
      images_(static_cast<std::uint32_t>(labels.size())),
      batch_(options.batch),
      repeat_(options.repeat),
      images_of_step_(options.of_step() / options.repeat),
      seed_(seed) {
  require(images_ >= 1 && images_of_step_ >= 1, "pair stream: got {} images and {} pairs: expected at least 1", images_,
          options.of_step());
  require(batch_ % repeat_ == 0, "pair stream: {} copies in {} pairs: expected a divisor", repeat_, batch_);
  if (std::all_of(parts_.begin(), parts_.end(), [](const SourcePart& p) { return p.draws == p.images; })) {
    parts_.clear();
    return;
  }
  images_ = 0;
  for (const SourcePart& part : parts_) images_ += part.draws;
}

/// The images that an epoch draws, source by source.
std::vector<std::uint32_t> PairStream::draws_of(std::int64_t epoch, std::uint32_t stream) const {
  std::vector<std::uint32_t> draws;
  draws.reserve(images_);
  std::uint32_t first = 0;
  for (std::uint32_t s = 0; s < parts_.size(); ++s) {
    const SourcePart& part = parts_[s];
    std::int64_t position = epoch * part.draws;
    for (const std::int64_t end = position + part.draws; position < end;) {
      const auto round = static_cast<std::uint32_t>(position / part.images);
      const auto order = permutation(part.images, Random(seed_, RandomPurpose::shuffle, round, stream, 1 + s));
      for (std::int64_t i = position % part.images; i < part.images && position < end; ++i, ++position)
        draws.push_back(first + order[static_cast<std::size_t>(i)]);
    }
    first += part.images;
  }
  return draws;
}

PairStream::Place PairStream::place(std::uint32_t stream, std::int64_t position) const {
  const std::int64_t different = batch_ / repeat_, begin = position / batch_ * different, i = position % batch_;
  return stream == 0 ? Place{begin + i / repeat_, i % repeat_} : Place{begin + i % different, i / different};
}

std::uint32_t PairStream::image(std::uint32_t stream, std::int64_t position) {
  const std::int64_t image = place(stream, position).image, epoch = image / images_;
  Epoch& current = current_[stream];
  if (current.number != epoch) {
    const auto number = static_cast<std::uint32_t>(epoch);
    current = {epoch, permutation(images_, Random(seed_, RandomPurpose::shuffle, number, stream))};
    if (!parts_.empty()) {
      const std::vector<std::uint32_t> draws = draws_of(epoch, stream);
      for (std::uint32_t& drawn : current.order) drawn = draws[drawn];
    }
  }
  return current.order[static_cast<std::size_t>(image % images_)];
}

Random PairStream::augmentation(std::uint32_t stream, std::int64_t position) const {
  const auto [image, copy] = place(stream, position);
  const Random random(seed_, RandomPurpose::augment, static_cast<std::uint32_t>(image / images_), stream,
                      static_cast<std::uint32_t>(image % images_));
  return copy == 0 ? random : random.named(fmt::format("copy {}", copy));
}

std::int64_t PairStream::steps_before_epoch_end(std::int64_t epoch) const {
  return ((epoch + 1) * images_ + images_of_step_ - 1) / images_of_step_;
}

std::int64_t PairStream::epoch_of_step(std::int64_t step) const { return step * images_of_step_ / images_; }

}  // namespace tandem
