#pragma once
// Finds hashes that differ in few bits.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace tandem::tools {

/// Multi-index hashing (Norouzi, Punjani, Fleet: "Fast search in Hamming space with multi-index hashing", CVPR 2012):
/// of the four quarters of two hashes that differ in at most 11 bits, one pair differs in at most 2. Each quarter has a
/// table of its 65,536 values, so that a look-up asks 4 x 137 places instead of every hash. 16 bytes of tables a hash.
class HashIndex {
 public:
  static constexpr int kMostBits = 11;

  explicit HashIndex(std::vector<std::uint64_t> hashes);

  /// Calls found(number, bits) for every hash that differs from `hash` in at most kMostBits bits; for some more than
  /// once.
  void near(std::uint64_t hash, const std::function<void(std::size_t, int)>& found) const;

 private:
  static constexpr std::size_t kQuarters = 4;
  static constexpr std::size_t kValues = 1 << 16;
  struct Table {
    std::vector<std::uint32_t> begin;    // (kValues + 1), where a value's hashes begin
    std::vector<std::uint32_t> numbers;  // of the hashes, by their value
  };

  std::vector<std::uint64_t> hashes_;
  std::array<Table, kQuarters> tables_;
};

}  // namespace tandem::tools
