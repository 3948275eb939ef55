#include "data/image/transform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Pixels = std::vector<std::uint8_t>;

Pixels resize(const Image& image, const Box& source, int height, int width, const Box& window, bool flip = false) {
  Pixels out(static_cast<std::size_t>(window.height * window.width * 3));
  resize_image(image, source, height, width, window, flip, {}, out);
  return out;
}

Pixels resize(const Image& image, const Box& source, int size) {
  return resize(image, source, size, size, {0, 0, size, size});
}

Pixels eval(const Image& image, int size) {
  Pixels out(static_cast<std::size_t>(size * size * 3));
  eval_transform(image, size, out);
  return out;
}

Pixels mirrored(const Pixels& pixels, int size) {
  Pixels out;
  for (int y = 0; y < size; ++y)
    for (int x = size - 1; x >= 0; --x)
      for (int c = 0; c < 3; ++c) out.push_back(pixels[static_cast<std::size_t>((y * size + x) * 3 + c)]);
  return out;
}

/// One value of the definition: the average under a two-dimensional triangle, in double precision, not rounded.
double reference(const Image& image, const Box& source, int height, int width, int y, int x, int channel) {
  const double scale_y = static_cast<double>(source.height) / height;
  const double scale_x = static_cast<double>(source.width) / width;
  const auto weight = [](double at, double center, double scale) {
    return std::max(0.0, 1 - std::abs(at + 0.5 - center) / std::max(scale, 1.0));
  };
  double sum = 0;
  double total = 0;
  for (int i = 0; i < source.height; ++i)
    for (int j = 0; j < source.width; ++j) {
      const double w = weight(i, (y + 0.5) * scale_y, scale_y) * weight(j, (x + 0.5) * scale_x, scale_x);
      total += w;
      sum += w * image.row(source.top + i)[(source.left + j) * 3 + channel];
    }
  return sum / total;
}

// Figures from Pillow 12: Image.crop(...).resize((w, h), BILINEAR).
TEST_CASE("resizing agrees with Pillow") {
  CHECK(resize(test::patterned(9, 7), {0, 0, 9, 7}, 3) == Pixels{104, 130, 114, 163, 113, 120, 143, 137, 116,
                                                                 121, 131, 140, 136, 130, 138, 124, 105, 141,
                                                                 120, 138, 157, 118, 125, 145, 136, 141, 132});
  CHECK(resize(test::patterned(3, 4), {0, 0, 3, 4}, 4) ==
        Pixels{0,   101, 202, 59,  160, 5,   118, 219, 64, 177, 22,  123, 23,  124, 225, 90,
               191, 36,  157, 98,  103, 225, 70,  171, 51, 152, 157, 128, 133, 74,  205, 50,
               151, 186, 127, 132, 74,  175, 20,  159, 4,  105, 244, 89,  190, 73,  174, 19});
  CHECK(resize(test::patterned(12, 15), {2, 3, 9, 11}, 4) ==
        Pixels{159, 121, 110, 127, 103, 132, 144, 113, 107, 114, 105, 102, 113, 115, 148, 97,
               105, 165, 108, 144, 134, 105, 136, 115, 123, 128, 125, 124, 115, 140, 131, 121,
               114, 118, 119, 126, 104, 119, 129, 131, 104, 133, 125, 138, 145, 114, 161, 109});
}

Pixels resize_11x13(int height, int width, const Box& window, const Resampling& resampling) {
  Pixels out(static_cast<std::size_t>(window.height * window.width * 3));
  resize_image(test::patterned(11, 13), {0, 0, 11, 13}, height, width, window, false, resampling, out);
  return out;
}

// Figures from Pillow 13: resize((4, 3), ...), and the first rows of resize((3, 17), ...).
TEST_CASE("the wider filters agree with Pillow") {
  const Resampling cubic{Interpolation::bicubic, true}, lanczos{Interpolation::lanczos, true};
  CHECK(resize_11x13(3, 4, {0, 0, 3, 4}, cubic) == Pixels{123, 126, 117, 154, 119, 121, 131, 106, 129, 137, 123, 100,
                                                          127, 133, 150, 121, 118, 143, 105, 117, 150, 119, 134, 114,
                                                          129, 127, 145, 122, 119, 132, 129, 110, 129, 129, 147, 136});
  CHECK(resize_11x13(17, 3, {0, 0, 4, 3}, cubic) == Pixels{102, 130, 106, 133, 96,  145, 118, 136, 114, 119, 132, 118,
                                                           132, 118, 138, 129, 136, 108, 143, 126, 126, 136, 135, 124,
                                                           144, 128, 100, 150, 94,  100, 155, 94,  106, 155, 100, 99});
  CHECK(resize_11x13(3, 4, {0, 0, 3, 4}, lanczos) ==
        Pixels{124, 127, 116, 157, 117, 121, 129, 106, 129, 139, 124, 100, 128, 135, 150, 121, 117, 144,
               106, 116, 149, 119, 133, 112, 127, 126, 145, 123, 118, 133, 129, 110, 130, 128, 149, 135});
  CHECK(resize_11x13(17, 3, {0, 0, 4, 3}, lanczos) ==
        Pixels{101, 130, 105, 136, 93,  146, 117, 134, 113, 118, 136, 119, 134, 118, 140, 125, 137, 109,
               144, 127, 123, 141, 130, 123, 143, 127, 101, 150, 95,  97,  157, 90,  107, 156, 101, 96});
}

// Figures from PyTorch: interpolate(mode="bilinear", antialias=False), which is OpenCV's INTER_LINEAR, not rounded.
TEST_CASE("without antialiasing pixels between are passed over") {
  const double expected[] = {135.21, 129.54, 81.21,  127.29, 142.96, 73.29,  119.38, 135.04, 129.38,
                             132.79, 127.12, 78.79,  68.5,   137.5,  238.5,  119.5,  60.5,   161.5,
                             106.5,  207.5,  148.5,  29.5,   130.5,  199.5,  225.79, 81.46,  171.79,
                             101.04, 84.71,  153.71, 125.62, 87.96,  135.62, 150.21, 101.88, 192.21};
  const Pixels out = resize_11x13(3, 4, {0, 0, 3, 4}, {Interpolation::bilinear, false});
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - expected[i]) <= 1.01);  // two roundings
}

TEST_CASE("a network that takes BGR, and squashed images, gets them") {
  const Image image = test::noise(12, 30, 0);
  InputGeometry input(14);
  Pixels rgb(14 * 14 * 3), bgr(rgb.size());
  const AugmentOptions augments[] = {{{{0.3, 1.0}}, true}, {{}, true}};
  for (const AugmentOptions& augment : augments)
    for (std::uint32_t i = 0; i < 4; ++i) {
      input.bgr = false;
      train_transform(image, input, augment, Random(1, RandomPurpose::test, 0, 0, i), rgb);
      input.bgr = true;
      train_transform(image, input, augment, Random(1, RandomPurpose::test, 0, 0, i), bgr);
      for (std::size_t p = 0; p < rgb.size(); p += 3) std::swap(rgb[p], rgb[p + 2]);
      CHECK(rgb == bgr);
    }
  eval_transform(image, input, bgr);
  input.bgr = false;
  eval_transform(image, input, rgb);
  CHECK(rgb == eval(image, 14));
  for (std::size_t p = 0; p < rgb.size(); p += 3) std::swap(rgb[p], rgb[p + 2]);
  CHECK(rgb == bgr);

  input.squash = true;  // 16x16, then the middle 14x14
  eval_transform(image, input, rgb);
  CHECK(rgb == resize(image, {0, 0, 12, 30}, 16, 16, {1, 1, 14, 14}));
  InputOptions whole;
  whole.crop = 1;
  whole.resize = InputOptions::Resize::squash;
  eval_transform(image, {whole, 14}, rgb);
  CHECK(rgb == resize(image, {0, 0, 12, 30}, 14));
}

TEST_CASE("a bottle lies whole and undistorted in the middle of a letterbox") {
  const Image bottle = test::noise(90, 30, 0), lying = test::noise(30, 90, 1);
  InputOptions options;
  options.resize = InputOptions::Resize::letterbox;
  options.crop = 1;
  options.fill = {7, 80, 250};
  InputGeometry input(options, 32);
  constexpr int kShort = 11, kBefore = 10;  // 32 / 3 rounded; the middle of 32 - 11 rounds to even
  const Pixels upright = resize(bottle, {0, 0, 90, 30}, 32, kShort, {0, 0, 32, kShort});
  const Pixels flat = resize(lying, {0, 0, 30, 90}, kShort, 32, {0, 0, kShort, 32});
  for (const bool bgr : {false, true}) {
    input.bgr = bgr;
    Pixels a(32 * 32 * 3), b(a.size());
    eval_transform(bottle, input, a);
    eval_transform(lying, input, b);
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        for (int c = 0; c < 3; ++c) {
          const auto at = static_cast<std::size_t>((y * 32 + x) * 3 + c),
                     stored = static_cast<std::size_t>(bgr ? 2 - c : c);
          const auto in = [&](int position) { return position >= kBefore && position < kBefore + kShort; };
          const int column = (y * kShort + x - kBefore) * 3, row = ((y - kBefore) * 32 + x) * 3;
          REQUIRE(a[at] == (in(x) ? upright[static_cast<std::size_t>(column) + stored] : options.fill[stored]));
          REQUIRE(b[at] == (in(y) ? flat[static_cast<std::size_t>(row) + stored] : options.fill[stored]));
        }
  }
}

TEST_CASE("training in a letterbox mirrors the whole square") {
  InputGeometry input(32);
  input.resize = 32;
  input.letterbox = {7, 80, 250};
  const Image bottle = test::noise(90, 30, 0);
  Pixels upright(32 * 32 * 3), out(upright.size());
  eval_transform(bottle, input, upright);
  int flipped = 0;
  for (std::uint32_t i = 0; i < 40; ++i) {
    train_transform(bottle, input, {{}, true}, Random(1, RandomPurpose::test, 0, 0, i), out);
    REQUIRE((out == upright || out == mirrored(upright, 32)));
    flipped += out == upright ? 0 : 1;
  }
  CHECK((flipped > 0 && flipped < 40));
}

TEST_CASE("a letterbox shows a picture of any shape") {
  InputGeometry input(32);
  input.resize = 32;
  input.letterbox = {7, 80, 250};
  const std::vector<std::pair<int, int>> shapes = {{2, 1000}, {1000, 2}, {32, 32}, {5, 5}, {33, 32}};
  for (const auto& [height, width] : shapes) {
    Pixels out(32 * 32 * 3);
    eval_transform(test::noise(height, width, 2), input, out);
    const int rows = std::max(1, static_cast<int>(std::lround(32.0 * height / std::max(height, width))));
    const int columns = std::max(1, static_cast<int>(std::lround(32.0 * width / std::max(height, width))));
    int others = 0;
    for (std::size_t i = 0; i < out.size(); i += 3)
      others += out[i] == 7 && out[i + 1] == 80 && out[i + 2] == 250 ? 1 : 0;
    INFO(height << "x" << width);
    CHECK(others == 32 * 32 - rows * columns);
  }
}

// Figures from torchvision: Resize(5) and CenterCrop(4) of a Pillow image. The middle of 7 - 4 rounds to even.
TEST_CASE("the evaluation crop agrees with torchvision") {
  CHECK(eval(test::patterned(9, 13), 4) == Pixels{150, 123, 133, 124, 128, 126, 133, 95,  137, 126, 123, 115,
                                                  163, 112, 109, 134, 107, 111, 146, 119, 130, 150, 89,  96,
                                                  143, 116, 119, 110, 83,  170, 90,  139, 151, 139, 147, 120,
                                                  96,  133, 146, 97,  114, 160, 100, 113, 164, 114, 127, 105});
  CHECK(eval(test::patterned(14, 9), 4) == Pixels{119, 134, 150, 126, 127, 154, 125, 113, 133, 105, 88,  169,
                                                  121, 135, 152, 136, 137, 156, 109, 131, 128, 122, 137, 150,
                                                  123, 133, 149, 135, 116, 133, 104, 109, 131, 150, 123, 130,
                                                  121, 183, 115, 144, 115, 156, 130, 120, 132, 131, 124, 131});
}

TEST_CASE("resizing agrees with its definition on random shapes") {
  Random random(3, RandomPurpose::test);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
  };
  for (std::uint32_t trial = 0; trial < 60; ++trial) {
    const Image image = test::noise(between(2, 40), between(2, 40), trial);
    Box source{between(0, image.height - 1), between(0, image.width - 1), 0, 0};
    source.height = between(1, image.height - source.top);
    source.width = between(1, image.width - source.left);
    const int height = between(1, 30);
    const int width = between(1, 30);
    Box window{between(0, height - 1), between(0, width - 1), 0, 0};
    window.height = between(1, height - window.top);
    window.width = between(1, width - window.left);
    const Pixels out = resize(image, source, height, width, window);
    double largest = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const int at = static_cast<int>(i) / 3;
      const double expected = reference(image, source, height, width, window.top + at / window.width,
                                        window.left + at % window.width, static_cast<int>(i) % 3);
      largest = std::max(largest, std::abs(out[i] - expected));
    }
    INFO(image.height << "x" << image.width << " to " << height << "x" << width);
    CHECK(largest <= 1.01);  // two roundings
  }
}

TEST_CASE("resizing to the same size changes nothing and flipping mirrors") {
  const Image image = test::noise(9, 9, 0);
  CHECK(resize(image, {0, 0, 9, 9}, 9) == image.pixels);
  CHECK(resize(image, {0, 0, 9, 9}, 9, 9, {0, 0, 9, 9}, true) == mirrored(image.pixels, 9));
}

TEST_CASE("resizing outside the image is an error") {
  const Image image = test::noise(9, 9, 0);
  CHECK_THROWS_AS(resize(image, {0, 1, 9, 9}, 4), Error);
  CHECK_THROWS_AS(resize(image, {0, 0, 9, 9}, 4, 4, {1, 0, 4, 4}), Error);
  Pixels small(10);
  CHECK_THROWS_AS(resize_image(image, {0, 0, 9, 9}, 4, 4, {0, 0, 4, 4}, false, {}, small), Error);
}

/// A way to draw a crop of an image of height x width pixels.
using Cropper = std::function<Box(int height, int width, std::array<float, 2> scale, Random& random)>;

/// The largest distance of the empirical distribution of `values` from the uniform one on 0..1 (Kolmogorov, Smirnov),
/// times the root of their number. Uniform values exceed 2 once in 1500 times.
double distance_from_uniform(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    largest = std::max({largest, values[i] - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - values[i]});
  return largest * std::sqrt(n);
}

/// Pearson's, times the root of the number of values: independent values exceed 4 once in 16,000 times.
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) * std::sqrt(n) : 0;
}

/// What of 6000 crops is not distributed as torchvision's: share of the area, shape, and place. The image is large, so
/// that whole pixels matter little, and every crop fits.
std::set<std::string> wrong_in_crops(const Cropper& crop) {
  constexpr int kHeight = 600, kWidth = 1000, kDraws = 6000;
  constexpr float kLow = 0.1F, kHigh = 0.4F;
  std::map<std::string, std::vector<double>> drawn;  // each is uniform in 0..1
  std::set<std::string> wrong;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Random random(5, RandomPurpose::test, 0, 0, i);
    const Box box = crop(kHeight, kWidth, {kLow, kHigh}, random);
    if (box.top < 0 || box.left < 0 || box.top + box.height > kHeight || box.left + box.width > kWidth)
      wrong.insert("outside");
    const double share = static_cast<double>(box.height) * box.width / (kHeight * kWidth);
    const double aspect = static_cast<double>(box.width) / box.height;
    drawn["area"].push_back((share - kLow) / (kHigh - kLow));
    drawn["aspect"].push_back(std::log(aspect * 4 / 3) / std::log(16.0 / 9));
    drawn["top"].push_back((box.top + 0.5) / (kHeight - box.height + 1));
    drawn["left"].push_back((box.left + 0.5) / (kWidth - box.width + 1));
  }
  for (const auto& [name, values] : drawn) {
    if (distance_from_uniform(values) > 2) wrong.insert(name);
    for (const auto& [other, others] : drawn)
      if (name < other && std::abs(correlation(values, others)) > 4) wrong.insert(name + " with " + other);
  }
  return wrong;
}

TEST_CASE("random crops have the area and the shape and the place that torchvision gives them") {
  const auto crop = [](int height, int width, std::array<float, 2> scale, Random& random) {
    return random_resized_crop(height, width, scale, random);
  };
  CHECK(wrong_in_crops(crop) == std::set<std::string>{});
}

TEST_CASE("crops of another distribution than torchvision's are noticed") {
  using Scale = std::array<float, 2>;
  using Wrong = std::set<std::string>;
  const auto square = [](int height, int width, Scale scale, Random& random) {
    Box box = random_resized_crop(height, width, scale, random);
    box.height = box.width = static_cast<int>(std::lround(std::sqrt(static_cast<double>(box.height) * box.width)));
    box.top = std::min(box.top, height - box.height);
    box.left = std::min(box.left, width - box.width);
    return box;
  };
  CHECK(wrong_in_crops(square).contains("aspect"));

  const auto centred = [](int height, int width, Scale scale, Random& random) {
    Box box = random_resized_crop(height, width, scale, random);
    box.top = (height - box.height) / 2;
    box.left = (width - box.width) / 2;
    return box;
  };
  const Wrong wrong_if_centred = wrong_in_crops(centred);
  CHECK((wrong_if_centred.contains("left") && wrong_if_centred.contains("top")));

  // The right mean and the right extremes of the place, and still not uniform.
  const auto drawn_to_the_middle = [](int height, int width, Scale scale, Random& random) {
    Box box = random_resized_crop(height, width, scale, random);
    const auto rows = static_cast<std::uint32_t>(height - box.height + 1);
    box.top = (box.top + static_cast<int>(random.below(rows))) / 2;
    return box;
  };
  CHECK(wrong_in_crops(drawn_to_the_middle).contains("top"));

  const auto on_the_diagonal = [](int height, int width, Scale scale, Random& random) {
    Box box = random_resized_crop(height, width, scale, random);
    box.left = static_cast<int>((box.top + 0.5) / (height - box.height + 1) * (width - box.width + 1));
    return box;
  };
  CHECK(wrong_in_crops(on_the_diagonal) == Wrong{"left with top"});

  // The sides, not the area, are uniform: a mistake often made.
  const auto uniform_sides = [](int height, int width, Scale scale, Random& random) {
    const float side = random.uniform(std::sqrt(scale[0]), std::sqrt(scale[1]));
    return random_resized_crop(height, width, {side * side, side * side}, random);
  };
  CHECK(wrong_in_crops(uniform_sides) == Wrong{"area"});

  // The aspect ratio itself, not its logarithm, is uniform.
  const auto uniform_aspect = [](int height, int width, Scale scale, Random& random) {
    Box box = random_resized_crop(height, width, scale, random);
    const double area = static_cast<double>(box.height) * box.width;
    const double aspect = static_cast<double>(random.uniform(3.0F / 4.0F, 4.0F / 3.0F));
    box.height = static_cast<int>(std::lround(std::sqrt(area / aspect)));
    box.width = static_cast<int>(std::lround(std::sqrt(area * aspect)));
    box.top = std::min(box.top, height - box.height);
    box.left = std::min(box.left, width - box.width);
    return box;
  };
  CHECK(wrong_in_crops(uniform_aspect).contains("aspect"));
}

TEST_CASE("an image too long for a random crop gives its middle") {
  Random random(5, RandomPurpose::test);
  const Box wide = random_resized_crop(9, 200, {0.9F, 1.0F}, random);
  CHECK((wide.top == 0 && wide.left == 94 && wide.height == 9 && wide.width == 12));
  const Box high = random_resized_crop(200, 9, {0.9F, 1.0F}, random);
  CHECK((high.top == 94 && high.left == 0 && high.height == 12 && high.width == 9));
}

TEST_CASE("training without a random crop shows the evaluation crop and mirrors half") {
  const Image image = test::noise(20, 26, 0);
  const Pixels upright = eval(image, 8);
  const Pixels mirror = mirrored(upright, 8);
  constexpr int kDraws = 6400;  // the standard deviation is 40, and 45 % of them are 320 too few
  int flipped = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Pixels out(8 * 8 * 3);
    train_transform(image, 8, {{}, true}, Random(1, RandomPurpose::test, 0, 0, i), out);
    REQUIRE((out == upright || out == mirror));
    flipped += out == mirror ? 1 : 0;
    train_transform(image, 8, {{}, false}, Random(1, RandomPurpose::test, 0, 0, i), out);
    REQUIRE(out == upright);
  }
  CHECK(std::abs(flipped - kDraws / 2) < 160);
}

// Brightness grows to the right, and so does every crop's, unless it is mirrored.
TEST_CASE("training with a random crop mirrors half") {
  Image image{12, 40, {}};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) image.pixels.insert(image.pixels.end(), 3, static_cast<std::uint8_t>(x * 6));
  constexpr int kDraws = 6400;
  int flipped = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Pixels out(4 * 4 * 3);
    train_transform(image, 4, {{{0.2F, 0.5F}}, true}, Random(1, RandomPurpose::test, 0, 0, i), out);
    const int left = out.front(), right = out.back();
    REQUIRE(left != right);
    flipped += left > right ? 1 : 0;
    train_transform(image, 4, {{{0.2F, 0.5F}}, false}, Random(1, RandomPurpose::test, 0, 0, i), out);
    REQUIRE(out.front() < out.back());
  }
  CHECK(std::abs(flipped - kDraws / 2) < 160);
}

TEST_CASE("training with a random crop varies from image to image") {
  const Image image = test::noise(20, 26, 0);
  const AugmentOptions augment{{{0.3, 1.0}}, true};
  Pixels first(8 * 8 * 3);
  Pixels again(8 * 8 * 3);
  Pixels other(8 * 8 * 3);
  train_transform(image, 8, augment, Random(1, RandomPurpose::test, 0, 0, 1), first);
  train_transform(image, 8, augment, Random(1, RandomPurpose::test, 0, 0, 1), again);
  train_transform(image, 8, augment, Random(1, RandomPurpose::test, 0, 0, 2), other);
  CHECK(first == again);
  CHECK(first != other);
}

/// The evaluation crop by its definition: of the image at (height, width), the middle size x size pixels.
double largest_error_of_eval(const Image& image, int size, int height, int width) {
  const Pixels out = eval(image, size);
  double largest = 0;
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      for (int c = 0; c < 3; ++c) {
        const double expected = reference(image, {0, 0, image.height, image.width}, height, width,
                                          y + (height - size) / 2, x + (width - size) / 2, c);
        largest = std::max(largest, std::abs(out[static_cast<std::size_t>((y * size + x) * 3 + c)] - expected));
      }
  return largest;
}

TEST_CASE("images of extreme shapes are cropped to their middle") {
  // 14 * 256 / 224 = 16 pixels the shorter side; the longer ones are even, so that there is a middle.
  CHECK(largest_error_of_eval(test::noise(2, 2, 0), 14, 16, 16) <= 1.01);
  CHECK(largest_error_of_eval(test::noise(2, 1000, 1), 14, 16, 8000) <= 1.01);
  CHECK(largest_error_of_eval(test::noise(1000, 2, 2), 14, 8000, 16) <= 1.01);
  CHECK(largest_error_of_eval(test::noise(3, 600, 3), 14, 16, 3200) <= 1.01);
}

// Values that no pixel has would show that the output was not written, or that the crop left the image.
TEST_CASE("images of extreme shapes give crops of their own pixels in training") {
  constexpr int kSize = 32;
  for (const auto& [height, width] : {std::pair{2, 2}, {2, 3000}, {3000, 2}, {3, 700}}) {
    CAPTURE(height, width);
    Image image = test::noise(height, width, 0);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint8_t>(50 + 50 * (i % 3) + image.pixels[i] % 40);
    std::set<Pixels> crops;
    for (std::uint32_t draw = 0; draw < 20; ++draw) {
      Pixels out(static_cast<std::size_t>(kSize * kSize * 3), draw % 2 == 0 ? 0 : 255);
      train_transform(image, kSize, {{{0.01F, 1.0F}}, true}, Random(1, RandomPurpose::test, 0, 0, draw), out);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const int lowest = 50 + 50 * static_cast<int>(i % 3);
        REQUIRE((out[i] >= lowest && out[i] < lowest + 40));
      }
      crops.insert(out);
    }
    CHECK(crops.size() > 1);
  }
}

}  // namespace
}  // namespace tandem
