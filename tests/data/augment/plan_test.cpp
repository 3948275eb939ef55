// Which steps an image gets: independent of each other, a function of the image's random sequence, in a fixed order.

#include "data/augment/plan.h"

#include <cmath>
#include <set>
#include <string>

#include "data/image/transform.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem::augment {
namespace {

using Switch = void (*)(AugmentOptions&);

constexpr int kSize = 48;

/// Each option by itself, in the order of the steps, as often on as off where it has a probability.
const Switch kSwitches[] = {
    [](AugmentOptions& o) { o.vertical_flip = 0.5; },
    [](AugmentOptions& o) { o.rotation = {.degrees = 20, .p = 0.5}; },
    [](AugmentOptions& o) {
      o.affine = {.degrees = 5, .translate = {0.1, 0.1}, .p = 0.5};
    },
    [](AugmentOptions& o) { o.perspective.emplace(); },
    [](AugmentOptions& o) { o.rand_augment.emplace(); },
    [](AugmentOptions& o) { o.trivial_augment_wide.emplace(); },
    [](AugmentOptions& o) { o.aug_mix.emplace(); },
    [](AugmentOptions& o) {
      o.color_jitter = {.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1, .p = 0.5};
    },
    [](AugmentOptions& o) { o.grayscale = 0.5; },
    [](AugmentOptions& o) { o.posterize.emplace(); },
    [](AugmentOptions& o) { o.solarize.emplace(); },
    [](AugmentOptions& o) { o.equalize = 0.5; },
    [](AugmentOptions& o) { o.autocontrast = 0.5; },
    [](AugmentOptions& o) { o.invert = 0.5; },
    [](AugmentOptions& o) { o.sharpness.emplace(); },
    [](AugmentOptions& o) { o.gaussian_blur = {.kernel_size = 5}; },
    [](AugmentOptions& o) { o.jpeg.emplace(); },
    [](AugmentOptions& o) { o.random_erasing.emplace(); },
};

Random image(std::uint32_t i) { return {5, RandomPurpose::augment, 1, 0, i}; }

std::string steps(const AugmentOptions& options, std::uint32_t i) {
  return to_string(draw_plan(options, kSize, image(i)));
}

/// Joins what is not empty.
std::string joined(const std::string& a, const std::string& b) { return a + (a.empty() || b.empty() ? "" : ", ") + b; }

TEST_CASE("switching an op on changes no draw of another, and the order is that of the options") {
  for (std::uint32_t i = 0; i < 50; ++i) {
    AugmentOptions all;
    std::string each;
    for (const Switch& one : kSwitches) {
      AugmentOptions alone;
      one(alone);
      one(all);
      each = joined(each, steps(alone, i));
      REQUIRE(steps(all, i) == each);
    }
  }
}

TEST_CASE("the steps depend on the image's sequence alone, not on what was drawn from it") {
  AugmentOptions all;
  for (const Switch& one : kSwitches) one(all);
  std::set<std::string> different;
  for (std::uint32_t i = 0; i < 20; ++i) {
    Random used = image(i);
    for (int k = 0; k < 7; ++k) used.bits();
    CHECK(to_string(draw_plan(all, kSize, used)) == steps(all, i));
    different.insert(steps(all, i));
  }
  CHECK(different.size() == 20);
}

TEST_CASE("two ops that draw alike draw differently") {
  AugmentOptions options;
  options.posterize.emplace();
  options.sharpness.emplace();
  int both = 0, one = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::size_t count = draw_plan(options, kSize, image(i)).size();
    both += count == 2;
    one += count == 1;
  }
  CHECK(std::abs(both - 250) < 5 * 14);  // of 1000 draws with p = 1/4; 14: the standard deviation
  CHECK(std::abs(one - 500) < 5 * 16);
}

TEST_CASE("an op is applied as often as its p says") {
  AugmentOptions options;
  options.grayscale = 0.2;
  options.random_erasing = {.p = 0.7};
  options.jpeg = {.p = 0};
  int grey = 0, erased = 0;
  for (std::uint32_t i = 0; i < 10000; ++i)
    for (const Step& step : draw_plan(options, kSize, image(i))) {
      grey += std::holds_alternative<Grayscale>(step);
      erased += std::holds_alternative<Erase>(step);
      REQUIRE_FALSE(std::holds_alternative<Jpeg>(step));
    }
  CHECK(std::abs(grey - 2000) < 5 * 40);
  CHECK(std::abs(erased - 7000) < 5 * 46);
}

std::vector<std::uint8_t> transformed(const AugmentOptions& options, std::uint32_t i, bool bgr = false) {
  std::vector<std::uint8_t> out(kSize * kSize * 3);
  InputGeometry input(kSize);
  input.bgr = bgr;
  train_transform(test::noise(60, 80, 2), input, options, image(i), out);
  return out;
}

TEST_CASE("images are varied after the crop and before the channels are put in order") {
  AugmentOptions options;
  options.color_jitter = {.saturation = 0.9};
  options.rotation = {.degrees = 40};
  const AugmentOptions none;
  for (std::uint32_t i = 0; i < 5; ++i) {
    std::vector<std::uint8_t> expected = transformed(none, i);
    apply(draw_plan(options, kSize, image(i)), {expected, kSize});
    CHECK(transformed(options, i) == expected);
    CHECK(expected != transformed(none, i));
    for (std::size_t k = 0; k < expected.size(); k += 3) std::swap(expected[k], expected[k + 2]);
    CHECK(transformed(options, i, true) == expected);
  }
}

TEST_CASE("the mirroring that is told is the one that happens") {
  AugmentOptions plain, mirrored;
  plain.random_resized_crop = mirrored.random_resized_crop = std::nullopt;
  plain.flip = false;
  int count = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    Random random = image(i);
    const bool told = draw_flip(mirrored, random);
    CHECK((transformed(mirrored, i) == transformed(plain, i)) != told);
    count += told;
  }
  CHECK((count > 0 && count < 20));
}

TEST_CASE("a crop of a ratio that the image does not have is as large as it can be") {
  Random random(1, RandomPurpose::test);
  const Box wide = random_resized_crop(10, 30, {1, 1}, random, {100, 100});
  CHECK((wide.width == 30 && wide.height == 1));
  const Box tall = random_resized_crop(30, 10, {1, 1}, random, {0.01, 0.01});
  CHECK((tall.width == 1 && tall.height == 30));
}

TEST_CASE("steps and options have names for people") {
  CHECK(to_string(Plan{}).empty());
  CHECK(to_string(Plan{Brightness{1.206F}, Hue{-0.1F}, GaussianBlur{5, 0.5F}, Jpeg{40}}) ==
        "brightness 1.21, hue -0.10, blur 0.50, JPEG 40");
  CHECK(to_string(Step{Move{{.angle = 3, .translate = {-2, 0}, .scale = 1.5}, {}}}) ==
        "rotate +3.0 move -2 +0 scale 1.50");
  AugMix mix;
  mix.own = 0.25F;
  mix.weights = {0.75F};
  mix.chains = {{Invert{}, Grayscale{}}};
  CHECK(to_string(Step{mix}) == "mix 0.25 as it is + 0.75 (invert, grey)");

  AugmentOptions options;
  CHECK(describe(options) == "random_resized_crop [0.35, 1], flip");
  options.rand_augment.emplace();
  options.grayscale = 0.1;
  options.random_erasing = {.value = std::nullopt};
  CHECK(describe(options) ==
        "random_resized_crop [0.35, 1], flip, rand_augment (num_ops 2, magnitude 9, num_magnitude_bins 31, "
        "interpolation nearest, fill [0, 0, 0]), grayscale 0.1, random_erasing (p 0.5, scale [0.02, 0.33], ratio "
        "[0.3, 3.3], value null)");
  options = {};
  options.random_resized_crop.reset();
  options.flip = false;
  CHECK(describe(options) == "none");
}

}  // namespace
}  // namespace tandem::augment
