#pragma once
// Files, or what is stored like one, with the same content.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tandem {

/// Something stored as bytes, `count` times. Several threads ask at once.
struct StoredFiles {
  std::size_t count = 0;
  /// How many bytes there are of number i; 0 if that cannot be told.
  std::function<std::uint64_t(std::size_t i)> bytes;
  /// Reads those from one on; false if they cannot be read.
  std::function<bool(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes)> read;
};

/// Those whose content is the same, byte by byte: groups of two or more, each rising, in the order of their first ones.
/// Those of equal size are compared by a hash of their last bytes, those with equal ones by a hash of the whole (XXH3,
/// 128 bits), on `threads` threads (0: one per core). What cannot be read, or is empty, has no copies.
std::vector<std::vector<std::size_t>> equal_files(const StoredFiles& files, unsigned threads = 0);

}  // namespace tandem
