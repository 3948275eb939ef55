#include "data/augment/mixing.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem::augment {
namespace {

using Pixels = std::vector<std::uint8_t>;

constexpr int kSize = 6;
constexpr std::size_t kBytes = kSize * kSize * 3;

/// Three images.
Pixels images() { return test::noise(3 * kSize, kSize, 8).pixels; }

TEST_CASE("each image is mixed with the one before it, as that was") {
  const Pixels before = images();
  Pixels mixed = before;
  mix_images({0.75, std::nullopt}, mixed, kSize);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < kBytes; ++k) {
      const double exact = 0.75 * before[i * kBytes + k] + 0.25 * before[(i + 2) % 3 * kBytes + k];
      REQUIRE(mixed[i * kBytes + k] == static_cast<int>(exact + 0.5));
    }
  CHECK(labels_of_others(std::vector<std::int32_t>{7, 8, 9}) == std::vector<std::int32_t>{9, 7, 8});
  CHECK(labels_of_others(std::vector<std::int32_t>{7}) == std::vector<std::int32_t>{7});
}

TEST_CASE("a rectangle comes from the image before") {
  const Pixels before = images();
  Pixels mixed = before;
  mix_images({0.5, Part{1, 2, 3, 4}}, mixed, kSize);
  for (std::size_t i = 0; i < 3; ++i)
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        const std::size_t place = static_cast<std::size_t>((y * kSize + x) * 3);
        const bool inside = y >= 1 && y < 4 && x >= 2;
        const std::size_t from = inside ? (i + 2) % 3 : i;
        REQUIRE(
            std::equal(&before[from * kBytes + place], &before[from * kBytes + place] + 3, &mixed[i * kBytes + place]));
      }
}

TEST_CASE("an image alone is mixed with itself, and bytes of no whole image are refused") {
  const Pixels one = test::noise(kSize, kSize, 1).pixels;
  Pixels mixed = one;
  mix_images({0.3, std::nullopt}, mixed, kSize);
  CHECK(mixed == one);
  mixed.pop_back();
  CHECK_THROWS_AS(mix_images({0.3, std::nullopt}, mixed, kSize), Error);
}

std::optional<Mixture> drawn(const AugmentOptions& options, std::uint32_t i, int size = 224) {
  return draw_mixture(options, size, Random(4, RandomPurpose::augment, 0, 2, i));
}

TEST_CASE("batches are mixed as often as the options say, and either option's draws are its own") {
  AugmentOptions both, mixup, cutmix;
  both.mixup = mixup.mixup = {.alpha = 0.4, .p = 0.3};
  both.cutmix = {.alpha = 1, .p = 0.5};
  cutmix.cutmix = {.alpha = 1, .p = 1};
  int mixed = 0, cut = 0;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const auto mixture = drawn(both, i), alone = drawn(mixup, i);
    if (!mixture) continue;
    (mixture->part ? cut : mixed) += 1;
    if (mixture->part)
      CHECK(mixture->share == drawn(cutmix, i)->share);
    else
      CHECK(mixture->share == alone->share);
    CHECK(mixture->share * 65536 == std::floor(mixture->share * 65536));
  }
  CHECK(std::abs(mixed - 3000) < 5 * 46);
  CHECK(std::abs(cut - 5000) < 5 * 50);
}

TEST_CASE("the shares of mixup are Beta distributed") {
  AugmentOptions options;
  options.mixup = {.alpha = 0.4, .p = 1};
  double sum = 0, squares = 0;
  int small = 0;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const double x = drawn(options, i)->share - 0.5;
    sum += x;
    squares += x * x;
    small += x < -0.4;
  }
  // Beta(a, a): variance 1 / (4 (2 a + 1)) = 0.1389; 0.2398 of it lies below 0.1.
  CHECK(std::abs(sum / 1e4) < 5 * std::sqrt(0.1389 / 1e4));
  CHECK(std::abs(squares / 1e4 - 0.1389) < 5 * 0.0009);
  CHECK(std::abs(small / 1e4 - 0.2398) < 5 * 0.0045);
}

TEST_CASE("the rectangle of cutmix has the area that is not the image's own") {
  AugmentOptions options;
  options.cutmix = {.alpha = 1, .p = 1};
  std::set<std::pair<int, int>> places;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const Mixture mixture = *drawn(options, i, 64);
    const Part& part = *mixture.part;
    REQUIRE((part.top >= 0 && part.left >= 0 && part.top + part.height <= 64 && part.left + part.width <= 64));
    CHECK(mixture.share == Approx(1 - part.height * part.width / 4096.0).margin(1e-5));
    places.insert({part.top, part.left});
  }
  CHECK(places.size() > 300);
}

}  // namespace
}  // namespace tandem::augment
