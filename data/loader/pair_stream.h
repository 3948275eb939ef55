#pragma once
// Which images make the pairs of a step: a pure function of (seed, step), so that a run resumes exactly anywhere.
//
// Stream s (0 is A, 1 is B) is endless: one random permutation of the n images after the other, each epoch's drawn
// independently, and independently of the other stream's. Step k over N pairs takes the positions kN .. kN + N - 1 of
// both streams, those of its batches one after the other. So every batch is full, and each stream shows every image
// exactly once in n positions.
//
// Of sources with weights, an epoch has n = the sum of all draws instead, d of a source of m images. Its draws in epoch
// e are the positions e d .. e d + d - 1 of an endless row of permutations of its images, so that any m of them that
// begin with a multiple of m show each of its images once; the epoch's permutation mixes the sources.
//
// With `repeat` r above 1, of a batch of N pairs (a divisor of which r is), the stream's positions are places for
// copies of images: each image that is due has r of them in the batch, every one varied in another way, and a stream
// shows every image r times in rn positions. In A the copies of an image lie side by side; B's lie N / r apart, so that
// the copies of one image are paired with different ones.

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/option_keys.h"
#include "core/base/rng.h"
#include "data/source/image_source.h"

namespace tandem {

/// The config's "pairs".
struct PairOptions {
  enum class Sampler { random };

  Sampler sampler = Sampler::random;
  int batch = 32;      ///< Pairs a batch, which has twice as many images.
  int accumulate = 1;  ///< Batches a step, whose gradients are averaged.
  int repeat = 1;      ///< How often a batch has each of its images.

  /// Pairs a step.
  int of_step() const { return batch * accumulate; }

  bool operator==(const PairOptions&) const = default;
};

constexpr auto enum_names(PairOptions::Sampler) {
  return std::to_array<EnumName<PairOptions::Sampler>>({{PairOptions::Sampler::random, "random"}});
}

template <class Keys, Of<PairOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("sampler", c.sampler);
  keys("batch", c.batch, Range{1, 65536});
  keys("accumulate", c.accumulate, Range{1, 64});
  keys("repeat", c.repeat, Range{1, 64});
}

inline void check_options(const PairOptions& c, OptionProblems& problems) {
  if (c.batch % c.repeat != 0)
    problems.push_back({"/repeat", fmt::format("a divisor of /pairs/batch, which is {}", c.batch)});
}

class PairStream {
 public:
  /// Over the n images with these labels, from which a sampler may choose by class. Both n and N = options.of_step()
  /// are at least 1. `parts` are the sources that the images come from, in order (none: one without a weight).
  PairStream(const std::vector<std::int32_t>& labels, const PairOptions& options, std::uint64_t seed,
             std::vector<SourcePart> parts = {});

  /// The image at a position (from 0) of a stream. Keeps the stream's latest permutation, so it is fast for positions
  /// that rise, and not for several threads at once.
  std::uint32_t image(std::uint32_t stream, std::int64_t position);
  /// The random numbers that augment the image at a position.
  Random augmentation(std::uint32_t stream, std::int64_t position) const;

  /// The number of steps after which `epoch` (from 0) has ended: ceil((epoch + 1) r n / N).
  std::int64_t steps_before_epoch_end(std::int64_t epoch) const;
  /// The epoch to which a step belongs: floor(step N / (r n)).
  std::int64_t epoch_of_step(std::int64_t step) const;

 private:
  /// Which copy of which image a position is; images are counted through all epochs.
  struct Place {
    std::int64_t image;
    std::int64_t copy;
  };
  struct Epoch {
    std::int64_t number = -1;
    std::vector<std::uint32_t> order;
  };

  std::vector<std::uint32_t> draws_of(std::int64_t epoch, std::uint32_t stream) const;
  Place place(std::uint32_t stream, std::int64_t position) const;

  std::vector<SourcePart> parts_;  // empty: every image is drawn once an epoch
  std::uint32_t images_;           // drawn an epoch
  std::int64_t batch_, repeat_;
  std::int64_t images_of_step_;
  std::uint64_t seed_;
  std::array<Epoch, 2> current_;  // one a stream
};

}  // namespace tandem
