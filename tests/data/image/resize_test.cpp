// Resizing gives the same bits on every processor, and however a picture is stored.

#include "data/image/resize.h"

#include <string>
#include <vector>

#include "data/image/orientation.h"
#include "data/image/resize_kernels.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Pixels = std::vector<std::uint8_t>;

/// Shapes of an average along rows: weights of both signs that sum to 2^22, as many as 1 to `taps` a column.
struct Averages {
  std::vector<int> first, used;
  std::vector<std::int32_t> weights;
  std::size_t taps;

  Averages(int width, int columns, int most, Random& random) : taps(static_cast<std::size_t>(most)) {
    constexpr std::int32_t kOne = 1 << kResizeWeightBits;
    weights.resize(static_cast<std::size_t>(columns) * taps);
    for (std::size_t x = 0; x < static_cast<std::size_t>(columns); ++x) {
      used.push_back(1 + static_cast<int>(random.below(static_cast<std::uint32_t>(std::min(most, width)))));
      first.push_back(static_cast<int>(random.below(static_cast<std::uint32_t>(width - used[x] + 1))));
      std::int32_t rest = kOne;
      for (int k = 1; k < used[x]; ++k) {
        const auto weight = static_cast<std::int32_t>(random.below(kOne / 2)) - kOne / 4;
        weights[x * taps + static_cast<std::size_t>(k)] = weight / used[x];
        rest -= weight / used[x];
      }
      weights[x * taps] = rest;
    }
  }
  RowAverages view() const { return {first, used, weights, taps}; }
};

/// White and black, or noise: sums below 0 and above 255 must be held.
Pixels row_values(std::size_t bytes, bool extreme, Random& random) {
  Pixels values(bytes);
  for (std::uint8_t& value : values)
    value = static_cast<std::uint8_t>(extreme ? random.below(2) * 255 : random.below(256));
  return values;
}

TEST_CASE("every set of instructions averages to the same bits") {
  const auto kernels = available_resize_kernels();
  REQUIRE(std::string(kernels[0]->isa) == "scalar");
  Random random(2, RandomPurpose::test);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
  };
  for (int trial = 0; trial < 300; ++trial) {
    const int width = between(1, 70), rows = between(1, 9), columns = between(1, 40), padding = between(0, 5);
    const Averages averages(width, columns, between(1, 30), random);
    const std::size_t stride = static_cast<std::size_t>(width) * 3 + static_cast<std::size_t>(padding);
    // The last row ends with its pixels: AddressSanitizer sees what is read behind it.
    const std::size_t bytes = stride * static_cast<std::size_t>(rows) - static_cast<std::size_t>(padding);
    const Pixels pixels = row_values(bytes, trial % 2 == 0, random);
    Pixels expected(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * 3);
    kernels[0]->along_rows(pixels.data(), stride, pixels.data() + bytes, rows, averages.view(), expected.data());

    const int taps = std::min(rows, averages.used[0]);
    Pixels expected_across(static_cast<std::size_t>(width) * 3);
    kernels[0]->across_rows(pixels.data(), stride, expected_across.size(), averages.weights.data(), taps,
                            expected_across.data());
    for (const ResizeKernels* other : kernels) {
      INFO(other->isa << ", " << rows << " rows of " << width << " to " << columns);
      Pixels out(expected.size(), 77), across(expected_across.size(), 77);
      other->along_rows(pixels.data(), stride, pixels.data() + bytes, rows, averages.view(), out.data());
      CHECK(out == expected);
      other->across_rows(pixels.data(), stride, across.size(), averages.weights.data(), taps, across.data());
      CHECK(across == expected_across);
    }
  }
}

TEST_CASE("a row of known pixels is averaged as defined") {
  const Pixels row{10, 20, 30, 110, 120, 130, 255, 255, 255, 0, 0, 0, 7, 8, 9};
  const std::vector<int> first{0, 1, 2}, used{2, 1, 2};
  constexpr std::int32_t kQuarter = 1 << (kResizeWeightBits - 2);
  const std::vector<std::int32_t> weights{kQuarter, 3 * kQuarter, 4 * kQuarter, 0, 5 * kQuarter, -kQuarter};
  for (const ResizeKernels* kernels : available_resize_kernels()) {
    INFO(kernels->isa);
    Pixels out(9);
    kernels->along_rows(row.data(), 15, row.data() + 15, 1, {first, used, weights, 2}, out.data());
    CHECK(out == Pixels{85, 95, 105, 110, 120, 130, 255, 255, 255});
    Pixels across(3);
    kernels->across_rows(row.data(), 3, 3, weights.data(), 2, across.data());
    CHECK(across == Pixels{85, 95, 105});
  }
}

/// The window of a resize, of the picture as it is stored.
Pixels resized(const Image& stored, const Resizing& what, int orientation) {
  const Resizer resizer(what, {stored.height, stored.width, orientation});
  const Box box = resizer.needed();
  Image part{box.height, box.width, Pixels(static_cast<std::size_t>(box.height * box.width) * 3)};
  for (int y = 0; y < box.height; ++y) std::copy_n(stored.row(box.top + y) + 3 * box.left, 3 * box.width, part.row(y));
  Pixels out(static_cast<std::size_t>(what.window.height * what.window.width * 3), 77);
  resizer.run(part, box.top, box.left, out.data(), static_cast<std::size_t>(what.window.width) * 3);
  return out;
}

TEST_CASE("a picture that is stored turned is resized to the bits of one that was turned first") {
  Random random(4, RandomPurpose::test);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
  };
  for (int trial = 0; trial < 160; ++trial) {
    const int orientation = 1 + trial % 8;
    const Image stored = test::noise(between(2, 60), between(2, 60), static_cast<std::uint32_t>(trial));
    const Image upright = test::turned(stored, orientation);
    Resizing what;
    what.source = {between(0, upright.height - 1), between(0, upright.width - 1), 0, 0};
    what.source.height = between(1, upright.height - what.source.top);
    what.source.width = between(1, upright.width - what.source.left);
    what.height = between(1, 40);
    what.width = between(1, 40);
    what.window = {between(0, what.height - 1), between(0, what.width - 1), 0, 0};
    what.window.height = between(1, what.height - what.window.top);
    what.window.width = between(1, what.width - what.window.left);
    what.flip = trial % 3 == 0;
    what.resampling.interpolation = static_cast<Interpolation>(trial / 8 % 3);
    what.resampling.antialias = what.resampling.interpolation != Interpolation::bilinear || trial % 5 != 0;
    Pixels expected(static_cast<std::size_t>(what.window.height * what.window.width * 3));
    resize_image(upright, what.source, what.height, what.width, what.window, what.flip, what.resampling, expected);
    INFO("trial " << trial);
    CHECK(resized(stored, what, orientation) == expected);
  }
}

// Each pixel of a picture reduced to a half is the mean of four, so that resizing what begins within one is a resize of
// the picture with its pixels doubled.
TEST_CASE("a crop of a reduced picture begins and ends where it does in the whole one") {
  const Image small = test::smooth(20, 33);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    // 7, 9 and 12, 11 pixels from the edges: three are within a pixel of the reduced picture.
    const bool turned = orientation >= 5;
    const int height = turned ? 66 : 40, width = turned ? 40 : 66;
    Resizing what{{7, 9, height - 19, width - 20}, 6, 5, {0, 0, 6, 5}};
    Image large{40, 66, Pixels(std::size_t{40} * 66 * 3)};
    for (int y = 0; y < 40; ++y)
      for (int x = 0; x < 66; ++x) std::copy_n(small.row(y / 2) + 3 * (x / 2), 3, large.row(y) + 3 * x);
    const Pixels expected = resized(large, what, orientation);
    const Resizer resizer(what, {40, 66, orientation, 4});
    Pixels out(expected.size());
    resizer.run(small, 0, 0, out.data(), 15);
    int largest = 0;
    for (std::size_t i = 0; i < out.size(); ++i) largest = std::max(largest, std::abs(out[i] - expected[i]));
    INFO("orientation " << orientation);
    CHECK(largest <= 2);  // half a pixel of misplacement is 4 of the gradient
  }
}

}  // namespace
}  // namespace tandem
