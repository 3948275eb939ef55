#include "tools/near/hash_index.h"

#include <bit>
#include <set>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/catch.h"

namespace tandem::tools {
namespace {

TEST_CASE("the index finds every hash that differs in few bits, and no other") {
  Random random(3, RandomPurpose::test);
  const auto draw = [&] { return std::uint64_t{random.bits()} << 32 | random.bits(); };
  std::vector<std::uint64_t> hashes, queries;
  for (int i = 0; i < 200; ++i) hashes.push_back(draw());
  for (int i = 0; i < 300; ++i) {  // up to 16 bits away from one that is there
    std::uint64_t hash = hashes[random.below(200)];
    for (std::uint32_t flips = random.below(17); flips > 0; --flips) hash ^= std::uint64_t{1} << random.below(64);
    (i % 2 == 0 ? hashes : queries).push_back(hash);
  }
  const HashIndex index(hashes);
  std::size_t farthest = 0;
  for (const std::uint64_t query : queries) {
    std::set<std::size_t> expected, found;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      const int bits = std::popcount(hashes[i] ^ query);
      if (bits <= HashIndex::kMostBits) expected.insert(i);
      if (bits == HashIndex::kMostBits) ++farthest;
    }
    index.near(query, [&](std::size_t i, int bits) {
      CHECK(bits == std::popcount(hashes[i] ^ query));
      found.insert(i);
    });
    CHECK(found == expected);
  }
  CHECK(farthest > 0);  // the limit itself was tried
}

TEST_CASE("whichever two bits of a quarter differ, with three of each other quarter, the hash is found") {
  const std::uint64_t hash = 0x0123456789ABCDEF;
  const HashIndex index({hash});
  for (unsigned quarter = 0; quarter < 4; ++quarter)
    for (unsigned a = 0; a < 16; ++a)
      for (unsigned b = 0; b < a; ++b) {
        std::uint64_t query = hash;
        for (unsigned other = 0; other < 4; ++other)
          query ^= (other == quarter ? std::uint64_t{1} << a | std::uint64_t{1} << b : 7) << 16 * other;
        bool found = false;
        index.near(query, [&](std::size_t, int bits) { found = bits == HashIndex::kMostBits; });
        REQUIRE(found);
      }
}

}  // namespace
}  // namespace tandem::tools
