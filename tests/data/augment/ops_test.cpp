// Each op makes of a picture what torchvision makes of it.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <numbers>
#include <string>

#include "data/augment/plan.h"
#include "tests/data/augment/torchvision.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem::augment {
namespace {

using Pixels = std::vector<std::uint8_t>;

constexpr int kSize = 32;
constexpr std::size_t kBytes = kSize * kSize * 3;

Surroundings nearest(Fill fill = {}) { return {Sampling::nearest, fill}; }
Surroundings bilinear() { return {Sampling::bilinear, {}}; }

/// How far results may be from torchvision's: the largest difference of a byte, but for a share of the bytes. Sums of
/// 32-bit floats round in another order; places that lie in the middle between two pixels go to either.
struct Tolerance {
  int largest = 0;
  double share_of_others = 0;
};
constexpr Tolerance kSame{}, kRounding{1, 0}, kPlaces{0, 0.01}, kDecoder{3, 0};

struct Case {
  Step step;
  Tolerance tolerance = kSame;
};

double tangent(double x) { return std::atan(x) * 180 / std::numbers::pi; }

std::map<std::string, Case> cases() {
  const Movement affine{.angle = 12, .translate = {3, -2}, .scale = 1.2, .shear = {8, -5}};
  const Corners corners{{{3, 1}, {28, 4}, {30, 27}, {2, 30}}};
  return {{"brightness 0.6", {Brightness{0.6F}}},
          {"brightness 1.7", {Brightness{1.7F}}},
          {"contrast 0.4", {Contrast{0.4F}, kRounding}},
          {"contrast 1.6", {Contrast{1.6F}, kRounding}},
          {"saturation 0.3", {Saturation{0.3F}, kRounding}},
          {"saturation 1.8", {Saturation{1.8F}, kRounding}},
          {"hue -0.3", {Hue{-0.3F}, kRounding}},
          {"hue 0.17", {Hue{0.17F}, kRounding}},
          {"grayscale", {Grayscale{}, kRounding}},
          {"posterize 3", {Posterize{3}}},
          {"solarize 77", {Solarize{77}}},
          {"equalize", {Equalize{}}},
          {"autocontrast", {Autocontrast{}}},
          {"invert", {Invert{}}},
          {"sharpness 0", {Sharpness{0}}},
          {"sharpness 2.5", {Sharpness{2.5F}, kRounding}},
          {"blur 7 0.8", {GaussianBlur{7, 0.8F}, kRounding}},
          {"blur 23 1.7", {GaussianBlur{23, 1.7F}, kRounding}},
          {"vertical flip", {VerticalFlip{}}},
          {"rotate 17", {Move{{.angle = -17}, nearest()}, kPlaces}},
          {"rotate 17 bilinear", {Move{{.angle = -17}, bilinear()}, kRounding}},
          {"affine", {Move{affine, nearest()}, kPlaces}},
          {"affine bilinear", {Move{affine, bilinear()}, kRounding}},
          {"affine filled", {Move{{.angle = -20, .translate = {0, 4}, .scale = 0.7}, nearest({10, 200, 90})}, kPlaces}},
          {"shear x", {Move{{.shear = {tangent(0.3), 0}, .about_corner = true}, nearest()}, kPlaces}},
          {"shear y", {Move{{.shear = {0, tangent(-0.2)}, .about_corner = true}, bilinear()}, kRounding}},
          {"perspective", {Perspective{corners, nearest()}, kPlaces}},
          {"perspective bilinear", {Perspective{corners, bilinear()}, kRounding}},
          {"erase", {Erase{{5, 9, 12, 7}, Fill{200, 10, 30}, Random(1, RandomPurpose::test)}}},
          {"jpeg 20", {Jpeg{20}, kDecoder}},
          {"jpeg 80", {Jpeg{80}, kDecoder}}};
}

/// The tiles of the fixture, of which the first is the picture.
Pixels tile(const Image& tiles, std::size_t number) {
  const auto begin = tiles.pixels.begin() + static_cast<std::ptrdiff_t>(number * kBytes);
  return {begin, begin + static_cast<std::ptrdiff_t>(kBytes)};
}

Pixels applied(const Step& step, Pixels pixels, int size = kSize) {
  apply({step}, {pixels, size});
  return pixels;
}

bool agree(const Pixels& result, const Pixels& expected, const Tolerance& tolerance) {
  std::size_t others = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (std::abs(result[i] - expected[i]) > tolerance.largest) ++others;
  UNSCOPED_INFO(others << " of " << expected.size() << " bytes differ");
  return result.size() == expected.size() &&
         static_cast<double>(others) <= tolerance.share_of_others * static_cast<double>(expected.size());
}

TEST_CASE("each op makes of a picture what torchvision makes of it") {
  const Image tiles = read_image(test::augment_fixture("pixels.png"));
  const nlohmann::json names = test::torchvision()["pixels"];
  const std::map<std::string, Case> all = cases();
  REQUIRE(names.size() == all.size());
  REQUIRE(tiles.pixels.size() == kBytes * (names.size() + 1));
  const Pixels picture = tile(tiles, 0);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name = names[i];
    INFO(name);
    REQUIRE(all.contains(name));
    const Case& one = all.at(name);
    const Pixels expected = tile(tiles, i + 1), result = applied(one.step, picture);
    CHECK(agree(result, expected, one.tolerance));
    CHECK(result != picture);
    // An op that did something else, or nothing, would be noticed.
    for (std::size_t other = 0; other <= names.size(); ++other) {
      INFO("taken for tile " << other);
      if (other != i + 1) CHECK_FALSE(agree(result, tile(tiles, other), one.tolerance));
    }
  }
}

TEST_CASE("arguments that change nothing change nothing") {
  const Pixels noise = test::noise(17, 17, 3).pixels;
  const Step steps[] = {
      Identity{},          Brightness{1},        Contrast{1},
      Saturation{1},       Posterize{8},         Sharpness{1},
      Move{{}, nearest()}, Move{{}, bilinear()}, Erase{{3, 3, 0, 5}, Fill{}, Random(1, RandomPurpose::test)}};
  for (const Step& step : steps) {
    INFO(to_string(step));
    CHECK(applied(step, noise, 17) == noise);
  }
  CHECK(applied(VerticalFlip{}, applied(VerticalFlip{}, noise, 17), 17) == noise);
  CHECK(applied(Invert{}, applied(Invert{}, noise, 17), 17) == noise);
  CHECK(agree(applied(Hue{0.5F}, applied(Hue{-0.5F}, noise, 17), 17), noise, {4, 0}));
}

TEST_CASE("pictures of one colour keep it where an op has nothing to go by") {
  for (const std::uint8_t value : {0, 100, 255}) {
    const Pixels flat(8 * 8 * 3, value);
    const Step steps[] = {Equalize{}, Autocontrast{}, Sharpness{3}, GaussianBlur{5, 1}, Hue{0.25F}, Contrast{1}};
    for (const Step& step : steps) {
      INFO(to_string(step) << " of " << int{value});
      CHECK(applied(step, flat, 8) == flat);
    }
  }
}

TEST_CASE("places far outside are filled") {
  const Pixels noise = test::noise(8, 8, 1).pixels;
  const Fill fill{1, 2, 3};
  Pixels filled;
  for (int i = 0; i < 64; ++i) filled.insert(filled.end(), {1, 2, 3});
  for (const Sampling sampling : {Sampling::nearest, Sampling::bilinear}) {
    CHECK(applied(Move{{.translate = {8, 0}}, {sampling, fill}}, noise, 8) == filled);
    CHECK(applied(Move{{.translate = {0, -4000}, .scale = 0.01, .shear = {80, 0}}, {sampling, fill}}, noise, 8) ==
          filled);
  }
  const Pixels moved = applied(Move{{.translate = {3, 0}}, {Sampling::nearest, fill}}, noise, 8);
  CHECK(std::equal(moved.begin() + 9, moved.begin() + 24, noise.begin()));
  CHECK(std::equal(moved.begin(), moved.begin() + 9, filled.begin()));
}

TEST_CASE("a mixture is the sum of its parts") {
  const Pixels picture = test::noise(9, 9, 5).pixels;
  AugMix mix;
  mix.own = 0.5F;
  mix.weights = {0.25F, 0.25F};
  mix.chains = {{Invert{}}, {Posterize{4}, VerticalFlip{}}};
  const Pixels result = applied(mix, picture, 9), flipped = applied(VerticalFlip{}, picture, 9);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    const double sum = 0.5 * picture[i] + 0.25 * (255 - picture[i]) + 0.25 * (flipped[i] & 0xF0);
    CHECK(result[i] == static_cast<int>(sum));
  }
}

TEST_CASE("noise for an erased part depends on its random sequence alone, and has every value") {
  const Pixels black(64 * 64 * 3, 0);
  const Erase step{{4, 8, 60, 50}, std::nullopt, Random(3, RandomPurpose::test)};
  const Pixels picture = applied(step, black, 64);
  CHECK(picture == applied(step, black, 64));
  std::array<int, 256> counts{};
  for (int y = 4; y < 64; ++y)
    for (int x = 8 * 3; x < 58 * 3; ++x) ++counts[picture[static_cast<std::size_t>(y * 64 * 3 + x)]];
  const auto [fewest, most] = std::minmax_element(counts.begin(), counts.end());
  CHECK((*fewest > 5 && *most < 80));  // 35 on average
  CHECK(picture[0] == 0);
}

}  // namespace
}  // namespace tandem::augment
