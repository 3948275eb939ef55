#include "data/image/transform.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Pixels = std::vector<std::uint8_t>;

Pixels resize(const Image& image, const Box& source, int height, int width, const Box& window, bool flip = false) {
  Pixels out(static_cast<std::size_t>(window.height * window.width * 3));
  resize_bilinear(image, source, height, width, window, flip, out);
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
  CHECK_THROWS_AS(resize_bilinear(image, {0, 0, 9, 9}, 4, 4, {0, 0, 4, 4}, false, small), Error);
}

TEST_CASE("random crops have the area and the shape and the place that torchvision gives them") {
  constexpr int kSide = 400;
  constexpr int kDraws = 6000;
  double area = 0;
  double smallest = 1;
  double largest = 0;
  double log_aspect = 0;
  double top = 0;
  double left = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Random random(5, RandomPurpose::test, 0, 0, i);
    const Box box = random_resized_crop(kSide, kSide, {0.1F, 0.5F}, random);
    REQUIRE((box.top >= 0 && box.left >= 0 && box.top + box.height <= kSide && box.left + box.width <= kSide));
    const double fraction = static_cast<double>(box.height) * box.width / (kSide * kSide);
    const double aspect = static_cast<double>(box.width) / box.height;
    REQUIRE((aspect > 0.74 && aspect < 1.35));
    area += fraction / kDraws;
    smallest = std::min(smallest, fraction);
    largest = std::max(largest, fraction);
    log_aspect += std::log(aspect) / kDraws;
    top += static_cast<double>(box.top) / (kSide - box.height) / kDraws;
    left += static_cast<double>(box.left) / (kSide - box.width) / kDraws;
  }
  // Uniform in 0.1 to 0.5: mean 0.3, its standard error 0.0015. The others' are about 0.002 and 0.004.
  CHECK(std::abs(area - 0.3) < 0.006);
  CHECK((smallest > 0.097 && smallest < 0.105));
  CHECK((largest < 0.503 && largest > 0.495));
  CHECK(std::abs(log_aspect) < 0.01);
  CHECK(std::abs(top - 0.5) < 0.016);
  CHECK(std::abs(left - 0.5) < 0.016);
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
  int flipped = 0;
  for (std::uint32_t i = 0; i < 400; ++i) {
    Pixels out(8 * 8 * 3);
    train_transform(image, 8, {{}, true}, Random(1, RandomPurpose::test, 0, 0, i), out);
    REQUIRE((out == upright || out == mirror));
    flipped += out == mirror ? 1 : 0;
    train_transform(image, 8, {{}, false}, Random(1, RandomPurpose::test, 0, 0, i), out);
    REQUIRE(out == upright);
  }
  CHECK((flipped > 150 && flipped < 250));
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

TEST_CASE("images of extreme shapes are transformed") {
  for (const auto& [height, width] : {std::pair{2, 2}, {2, 3000}, {3000, 2}, {3, 700}}) {
    const Image image = test::noise(height, width, 0);
    CHECK(eval(image, 32).size() == 32 * 32 * 3);
    Pixels out(32 * 32 * 3);
    train_transform(image, 32, {{{0.01F, 1.0F}}, true}, Random(1, RandomPurpose::test), out);
  }
}

}  // namespace
}  // namespace tandem
