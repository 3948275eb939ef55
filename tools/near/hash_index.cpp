#include "tools/near/hash_index.h"

#include <bit>
#include <limits>
#include <utility>

#include "core/base/error.h"

namespace tandem::tools {
namespace {

std::size_t quarter(std::uint64_t hash, std::size_t which) { return hash >> (16 * which) & 0xFFFF; }

/// Every 16-bit word with at most two bits set.
std::vector<std::size_t> small_differences() {
  std::vector<std::size_t> all = {0};
  for (std::size_t a = 0; a < 16; ++a) {
    all.push_back(std::size_t{1} << a);
    for (std::size_t b = 0; b < a; ++b) all.push_back(std::size_t{1} << a | std::size_t{1} << b);
  }
  return all;
}

}  // namespace

HashIndex::HashIndex(std::vector<std::uint64_t> hashes) : hashes_(std::move(hashes)) {
  require(hashes_.size() < std::numeric_limits<std::uint32_t>::max(), "an index of {} hashes", hashes_.size());
  for (std::size_t q = 0; q < kQuarters; ++q) {
    Table& table = tables_[q];
    table.begin.assign(kValues + 1, 0);
    for (const std::uint64_t hash : hashes_) ++table.begin[quarter(hash, q) + 1];
    for (std::size_t value = 0; value < kValues; ++value) table.begin[value + 1] += table.begin[value];
    table.numbers.resize(hashes_.size());
    std::vector<std::uint32_t> next(table.begin.begin(), table.begin.end() - 1);
    for (std::size_t i = 0; i < hashes_.size(); ++i)
      table.numbers[next[quarter(hashes_[i], q)]++] = static_cast<std::uint32_t>(i);
  }
}

void HashIndex::near(std::uint64_t hash, const std::function<void(std::size_t, int)>& found) const {
  static const std::vector<std::size_t> kDifferences = small_differences();
  for (std::size_t q = 0; q < kQuarters; ++q) {
    const Table& table = tables_[q];
    for (const std::size_t difference : kDifferences) {
      const std::size_t value = quarter(hash, q) ^ difference;
      for (std::uint32_t i = table.begin[value]; i < table.begin[value + 1]; ++i) {
        const int bits = std::popcount(hashes_[table.numbers[i]] ^ hash);
        if (bits <= kMostBits) found(table.numbers[i], bits);
      }
    }
  }
}

}  // namespace tandem::tools
