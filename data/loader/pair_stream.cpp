#include "data/loader/pair_stream.h"

#include "core/base/error.h"

namespace tandem {

PairStream::PairStream(const std::vector<std::int32_t>& labels, const PairOptions& options, std::uint64_t seed)
    : images_(static_cast<std::uint32_t>(labels.size())),
      batch_(options.batch),
      repeat_(options.repeat),
      images_of_step_(options.of_step() / options.repeat),
      seed_(seed) {
  require(images_ >= 1 && images_of_step_ >= 1, "pair stream: got {} images and {} pairs: expected at least 1", images_,
          options.of_step());
  require(batch_ % repeat_ == 0, "pair stream: {} copies in {} pairs: expected a divisor", repeat_, batch_);
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
