#include "data/loader/pair_stream.h"

#include "core/base/error.h"

namespace tandem {

PairStream::PairStream(const std::vector<std::int32_t>& labels, const PairOptions& options, std::uint64_t seed)
    : images_(static_cast<std::uint32_t>(labels.size())), pairs_(options.of_step()), seed_(seed) {
  require(images_ >= 1 && pairs_ >= 1, "pair stream: got {} images and {} pairs: expected at least 1", images_, pairs_);
}

std::uint32_t PairStream::image(std::uint32_t stream, std::int64_t position) {
  const std::int64_t epoch = position / images_;
  Epoch& current = current_[stream];
  if (current.number != epoch) {
    const auto number = static_cast<std::uint32_t>(epoch);
    current = {epoch, permutation(images_, Random(seed_, RandomPurpose::shuffle, number, stream))};
  }
  return current.order[static_cast<std::size_t>(position % images_)];
}

Random PairStream::augmentation(std::uint32_t stream, std::int64_t position) const {
  return {seed_, RandomPurpose::augment, static_cast<std::uint32_t>(position / images_), stream,
          static_cast<std::uint32_t>(position % images_)};
}

std::int64_t PairStream::steps_before_epoch_end(std::int64_t epoch) const {
  return ((epoch + 1) * images_ + pairs_ - 1) / pairs_;
}

std::int64_t PairStream::epoch_of_step(std::int64_t step) const { return step * pairs_ / images_; }

}  // namespace tandem
