#pragma once
// Which of a run's steps make which epoch. Steps are counted from 0, epochs too.
//
// An epoch shows each image twice, once in each stream. Where the pairs of a step do not divide the images, a step lies
// across the end of an epoch and belongs to the one that it begins in.

#include <cstdint>

#include "data/loader/pair_stream.h"

namespace tandem {

class Epochs {
 public:
  Epochs(const PairStream& stream, int count) : stream_(stream), count_(count) {}

  int count() const { return count_; }
  std::int64_t total_steps() const { return end_of(count_ - 1); }
  /// How many steps are done when `epoch` begins, and when it ends.
  std::int64_t begin_of(std::int64_t epoch) const { return epoch == 0 ? 0 : end_of(epoch - 1); }
  std::int64_t end_of(std::int64_t epoch) const { return stream_.steps_before_epoch_end(epoch); }
  /// The epoch that a step belongs to.
  std::int64_t of_step(std::int64_t step) const { return stream_.epoch_of_step(step); }
  /// How many epochs have ended when `steps` steps are done.
  std::int64_t ended_after(std::int64_t steps) const {
    if (steps == 0) return 0;
    const std::int64_t epoch = of_step(steps - 1);
    return steps == end_of(epoch) ? epoch + 1 : epoch;
  }

 private:
  PairStream stream_;
  int count_;
};

}  // namespace tandem
