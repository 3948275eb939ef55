#pragma once
// Counter-based random numbers: every number is a pure function of a key and a counter, so results do not depend on
// the order in which threads ask, and a resumed run draws what an uninterrupted one would have drawn.
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <vector>

namespace tandem {

/// Four random 32-bit words for a 64-bit key and a 128-bit counter.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// What a random number is for; part of its counter, so that two purposes never share a sequence.
enum class RandomPurpose : std::uint32_t {
  initialise = 1,
  shuffle = 2,
  augment = 3,
  synthesise = 4,
  test = 5,
  search = 9,
  drop = 6,
  split = 15
};

/// A sequence of random numbers named by (seed, purpose, epoch, stream, index). Cheap to make: make one per image.
class Random {
 public:
  Random(std::uint64_t seed, RandomPurpose purpose, std::uint32_t epoch = 0, std::uint32_t stream = 0,
         std::uint32_t index = 0);

  /// The sequence of that name: another one for each name, and the same whatever was drawn from this one before. So
  /// what takes a sequence of its own shifts nobody else's numbers. Names may be nested.
  Random named(std::string_view name) const;

  /// 32 uniform bits.
  std::uint32_t bits();
  /// Uniform in [0, 1), 24 bits.
  float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24F; }
  /// Uniform in [low, high]; high only by rounding.
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, n), without modulo bias (Lemire 2019). n > 0.
  std::uint32_t below(std::uint32_t n);
  /// Standard normal (Box-Muller).
  float normal();

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

/// A random order of 0..n-1 (Fisher-Yates).
std::vector<std::uint32_t> permutation(std::uint32_t n, Random random);

}  // namespace tandem
