#include "core/base/rng.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <thread>

#include "tests/support/catch.h"

namespace tandem {
namespace {

std::vector<std::uint32_t> draw(Random random, int n) {
  std::vector<std::uint32_t> words;
  for (int i = 0; i < n; ++i) words.push_back(random.bits());
  return words;
}

}  // namespace

TEST_CASE("Philox gives the known answers of the Random123 distribution") {
  const std::array<std::uint32_t, 4> zeros{}, ones{~0U, ~0U, ~0U, ~0U};
  CHECK(philox4x32(zeros, {0, 0}) == std::array{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U});
  CHECK(philox4x32(ones, {~0U, ~0U}) == std::array{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        std::array{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE("A named sequence depends on its name and on its parent's, not on what the parent has drawn") {
  const Random parent(7, RandomPurpose::augment, 3, 1, 42);
  Random used = parent;
  for (int i = 0; i < 5; ++i) used.bits();
  const auto blur = draw(parent.named("blur"), 6);
  CHECK(draw(used.named("blur"), 6) == blur);
  CHECK(draw(Random(parent), 4) == draw({7, RandomPurpose::augment, 3, 1, 42}, 4));  // the parent draws as before
  std::set<std::vector<std::uint32_t>> all{draw(parent, 6), blur};
  for (const char* name : {"Blur", "blur ", "", "rulb"}) all.insert(draw(parent.named(name), 6));
  all.insert(draw(parent.named("blur").named("blur"), 6));
  all.insert(draw(parent.named("a").named("b"), 6));
  all.insert(draw(parent.named("b").named("a"), 6));
  all.insert(draw(Random(8, RandomPurpose::augment, 3, 1, 42).named("blur"), 6));
  all.insert(draw(Random(7, RandomPurpose::augment, 3, 1, 43).named("blur"), 6));
  CHECK(all.size() == 11);
}

TEST_CASE("A random sequence depends on its name alone") {
  const auto sequence = draw({7, RandomPurpose::augment, 3, 1, 42}, 9);
  CHECK(draw({7, RandomPurpose::augment, 3, 1, 42}, 9) == sequence);
  std::vector<std::uint32_t> in_thread;
  std::thread([&] {
    draw({1, RandomPurpose::shuffle}, 100);  // what else was drawn before does not matter
    in_thread = draw({7, RandomPurpose::augment, 3, 1, 42}, 9);
  }).join();
  CHECK(in_thread == sequence);
}

TEST_CASE("Every part of its name changes a random sequence") {
  std::set<std::vector<std::uint32_t>> sequences;
  const Random names[] = {
      {7, RandomPurpose::augment, 3, 1, 42},
      {8, RandomPurpose::augment, 3, 1, 42},
      {7 + (1ULL << 32), RandomPurpose::augment, 3, 1, 42},
      {7, RandomPurpose::shuffle, 3, 1, 42},
      {7, RandomPurpose::augment, 4, 1, 42},
      {7, RandomPurpose::augment, 3, 2, 42},
      {7, RandomPurpose::augment, 3, 1, 43},
      {7, RandomPurpose::augment, 42, 1, 3},
  };
  for (const Random& random : names) sequences.insert(draw(random, 4));
  CHECK(sequences.size() == std::size(names));
  const auto longer = draw({7, RandomPurpose::test}, 4000);  // blocks within a sequence do not repeat
  CHECK(std::set(longer.begin(), longer.end()).size() > 3990);
}

TEST_CASE("Uniform numbers fill their range evenly") {
  Random random(1, RandomPurpose::test);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100'000;
  int outside = 0;
  for (int i = 0; i < kDraws; ++i) {
    const float u = random.uniform();
    outside += u < 0 || u >= 1;
    sum += static_cast<double>(u);
    squares += static_cast<double>(u) * static_cast<double>(u);
  }
  CHECK(outside == 0);
  CHECK(std::abs(sum / kDraws - 1.0 / 2) < 0.005);  // five standard errors
  CHECK(std::abs(squares / kDraws - 1.0 / 3) < 0.005);
}

TEST_CASE("Normal numbers have the moments of the standard normal") {
  Random random(2, RandomPurpose::test);
  double moments[5] = {};
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const auto x = static_cast<double>(random.normal());
    REQUIRE(std::isfinite(x));
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(x, power) / kDraws;
  }
  CHECK(std::abs(moments[1]) < 0.016);
  CHECK(std::abs(moments[2] - 1) < 0.023);
  CHECK(std::abs(moments[3]) < 0.062);
  CHECK(std::abs(moments[4] - 3) < 0.16);
}

TEST_CASE("Integers below a bound are unbiased") {
  for (const std::uint32_t n : {1U, 2U, 3U, 7U, 12U}) {
    Random random(3, RandomPurpose::test, n);
    std::vector<int> counts(n);
    for (std::uint32_t i = 0; i < 10'000 * n; ++i) ++counts.at(random.below(n));
    for (const int count : counts) CHECK(std::abs(count - 10'000) < 600);  // six standard deviations at most
  }
  // Two thirds of 2^32: a product without rejection would give every other number twice as often as its neighbour.
  Random random(4, RandomPurpose::test);
  const std::uint32_t n = 0xAAAAAAAB;
  int remainders[3] = {};
  for (int i = 0; i < 30'000; ++i) {
    const std::uint32_t x = random.below(n);
    REQUIRE(x < n);
    ++remainders[x % 2];
  }
  CHECK(std::abs(remainders[0] - 15'000) < 500);
}

TEST_CASE("A permutation holds every number once and depends on its name") {
  for (const std::uint32_t n : {0U, 1U, 2U, 1000U}) {
    auto order = permutation(n, {5, RandomPurpose::shuffle});
    CHECK(order == permutation(n, {5, RandomPurpose::shuffle}));
    std::sort(order.begin(), order.end());
    std::vector<std::uint32_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0U);
    CHECK(order == expected);
  }
  CHECK(permutation(1000, {5, RandomPurpose::shuffle}) != permutation(1000, {6, RandomPurpose::shuffle}));
}

TEST_CASE("All orders of three come up equally often") {
  std::vector<int> counts(27);
  for (std::uint32_t i = 0; i < 6000; ++i) {
    const auto order = permutation(3, {6, RandomPurpose::shuffle, 0, 0, i});
    ++counts[order[0] * 9 + order[1] * 3 + order[2]];
  }
  CHECK(std::count(counts.begin(), counts.end(), 0) == 21);
  for (const int count : counts) CHECK((count == 0 || std::abs(count - 1000) < 150));
}

}  // namespace tandem
