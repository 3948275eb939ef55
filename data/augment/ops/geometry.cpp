#include "data/augment/ops/geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace tandem::augment {
namespace {

/// A picture that pixels are taken from.
struct Source {
  const std::uint8_t* pixels;
  int size;
  std::array<float, 3> fill;

  bool holds(int x, int y) const { return x >= 0 && x < size && y >= 0 && y < size; }
  const std::uint8_t* at(int x, int y) const { return pixels + (static_cast<std::ptrdiff_t>(y) * size + x) * 3; }
};

/// Of a number from 0 to 255.
std::uint8_t rounded(float x) {
  return static_cast<std::uint8_t>(x + 0.5F);  // NOLINT(bugprone-incorrect-roundings): as torchvision rounds
}

void take_nearest(const Source& source, double x, double y, std::uint8_t* out) {
  // A place beyond every int is outside, too.
  const double limit = source.size;
  const bool near = x > -1 && x < limit && y > -1 && y < limit;
  const int column = near ? static_cast<int>(std::floor(x + 0.5)) : -1,
            row = near ? static_cast<int>(std::floor(y + 0.5)) : -1;
  if (!source.holds(column, row)) {
    for (std::size_t c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(source.fill[c]);
    return;
  }
  const std::uint8_t* pixel = source.at(column, row);
  for (int c = 0; c < 3; ++c) out[c] = pixel[c];
}

/// The pixel at `place`, and its three neighbours to the right and below, all inside.
void mix_four(const std::uint8_t* place, std::ptrdiff_t row, float right, float lower, std::uint8_t* out) {
  for (int c = 0; c < 3; ++c, ++place) {
    const float left_above = place[0], left_below = place[row];
    const float above = left_above + right * (static_cast<float>(place[3]) - left_above);
    const float below = left_below + right * (static_cast<float>(place[row + 3]) - left_below);
    out[c] = rounded(above + lower * (below - above));
  }
}

void take_bilinear(const Source& source, double x, double y, std::uint8_t* out) {
  std::array<float, 3> sums{};
  float share = 0;
  const double limit = source.size;
  if (x > -1 && x < limit && y > -1 && y < limit) {
    // Above 0, an integer is cut as floor() cuts.
    const int left = static_cast<int>(x + 1) - 1, top = static_cast<int>(y + 1) - 1;
    const auto right = static_cast<float>(x - left), lower = static_cast<float>(y - top);
    if (source.holds(left, top) && source.holds(left + 1, top + 1)) {
      mix_four(source.at(left, top), static_cast<std::ptrdiff_t>(source.size) * 3, right, lower, out);
      return;
    }
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 2; ++j) {
        if (!source.holds(left + j, top + i)) continue;
        const float weight = (j == 0 ? 1 - right : right) * (i == 0 ? 1 - lower : lower);
        const std::uint8_t* pixel = source.at(left + j, top + i);
        for (std::size_t c = 0; c < 3; ++c) sums[c] += weight * static_cast<float>(pixel[c]);
        share += weight;
      }
  }
  for (std::size_t c = 0; c < 3; ++c) out[c] = rounded(std::min(sums[c] + (1 - share) * source.fill[c], 255.0F));
}

/// Calls take(source, x, y, out) for each pixel of the result, with the place that place(column, row) leads to.
template <class Place, class Take>
void take_each(const Square& image, const Source& source, Place place, Take take) {
  for (int y = 0; y < image.size; ++y) {
    std::uint8_t* out = image.row(y);
    for (int x = 0; x < image.size; ++x, out += 3) {
      const auto [from_x, from_y] = place(x, y);
      take(source, from_x, from_y, out);
    }
  }
}

template <class Place>
void resample(const Square& image, Place place, const Surroundings& surroundings, Scratch& scratch) {
  scratch.bytes.assign(image.pixels.begin(), image.pixels.end());
  Source source{scratch.bytes.data(), image.size, {}};
  for (std::size_t c = 0; c < 3; ++c) source.fill[c] = static_cast<float>(surroundings.fill[c]);
  if (surroundings.interpolation == Sampling::nearest)
    take_each(image, source, place, take_nearest);
  else
    take_each(image, source, place, take_bilinear);
}

/// From a place in the result to one in the picture, (m0 x + m1 y + m2, m3 x + m4 y + m5), in pixels.
using Matrix = std::array<double, 6>;

Matrix inverse(const Movement& m, int size) {
  const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double rotation = radians(m.angle), shear_x = radians(m.shear[0]), shear_y = radians(m.shear[1]);
  // The movement but for its scale, of determinant 1.
  const double a = std::cos(rotation - shear_y) / std::cos(shear_y);
  const double b = -(a * std::tan(shear_x) + std::sin(rotation));
  const double c = std::sin(rotation - shear_y) / std::cos(shear_y);
  const double d = std::cos(rotation) - c * std::tan(shear_x);
  // Places of pixels are those of their middles: the corner lies half a pixel before them.
  const double center = m.about_corner ? -0.5 : (size - 1) / 2.0;
  Matrix matrix{d / m.scale, -b / m.scale, center, -c / m.scale, a / m.scale, center};
  matrix[2] -= matrix[0] * (center + m.translate[0]) + matrix[1] * (center + m.translate[1]);
  matrix[5] -= matrix[3] * (center + m.translate[0]) + matrix[4] * (center + m.translate[1]);
  return matrix;
}

/// The nearest pixels under an affine map, whose places advance by the same step along a row: fixed point, and no look
/// at the edges within the part of a row that lies inside.
void move_nearest(const Square& image, const Matrix& m, const Fill& fill, Scratch& scratch) {
  constexpr double kOne = 4294967296.0;  // 2^32
  scratch.bytes.assign(image.pixels.begin(), image.pixels.end());
  const Source source{scratch.bytes.data(), image.size, {}};
  const std::array<std::uint8_t, 3> outside{static_cast<std::uint8_t>(fill[0]), static_cast<std::uint8_t>(fill[1]),
                                            static_cast<std::uint8_t>(fill[2])};
  const auto fixed = [](double x) { return static_cast<std::int64_t>(std::llround(x * kOne)); };
  const std::int64_t step_x = fixed(m[0]), step_y = fixed(m[3]);
  for (int y = 0; y < image.size; ++y) {
    const std::int64_t first_x = fixed(m[1] * y + m[2] + 0.5), first_y = fixed(m[4] * y + m[5] + 0.5);
    const auto column = [&](int x) { return static_cast<int>((first_x + x * step_x) >> 32); };
    const auto row = [&](int x) { return static_cast<int>((first_y + x * step_y) >> 32); };
    int begin = 0, end = image.size;
    while (begin < end && !source.holds(column(begin), row(begin))) ++begin;
    while (end > begin && !source.holds(column(end - 1), row(end - 1))) --end;
    std::uint8_t* out = image.row(y);
    const auto fill_up = [&](int from, int to) {
      for (int x = from; x < to; ++x)
        std::copy(outside.begin(), outside.end(), out + static_cast<std::ptrdiff_t>(x) * 3);
    };
    fill_up(0, begin);
    for (int x = begin; x < end; ++x) {
      const std::uint8_t* pixel = source.at(column(x), row(x));
      for (int c = 0; c < 3; ++c) out[x * 3 + c] = pixel[c];
    }
    fill_up(end, image.size);
  }
}

/// The eight coefficients of the projective map that takes corners[i] to the picture's i-th corner:
/// ((k0 x + k1 y + k2) / w, (k3 x + k4 y + k5) / w) with w = k6 x + k7 y + 1. By elimination.
std::array<double, 8> projection(const Corners& corners, int size) {
  const double last = size - 1;
  const std::array<std::array<double, 2>, 4> targets{{{0, 0}, {last, 0}, {last, last}, {0, last}}};
  std::array<std::array<double, 9>, 8> rows{};
  for (std::size_t i = 0; i < 4; ++i) {
    const double x = corners[i][0], y = corners[i][1], u = targets[i][0], v = targets[i][1];
    rows[2 * i] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u};
    rows[2 * i + 1] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
  }
  for (std::size_t k = 0; k < 8; ++k) {
    const auto largest =
        std::max_element(rows.begin() + static_cast<std::ptrdiff_t>(k), rows.end(),
                         [k](const auto& a, const auto& b) { return std::abs(a[k]) < std::abs(b[k]); });
    std::swap(rows[k], *largest);
    for (std::size_t i = 0; i < 8; ++i) {
      if (i == k) continue;
      const double factor = rows[i][k] / rows[k][k];
      for (std::size_t j = k; j < 9; ++j) rows[i][j] -= factor * rows[k][j];
    }
  }
  std::array<double, 8> coefficients;
  for (std::size_t k = 0; k < 8; ++k) coefficients[k] = rows[k][8] / rows[k][k];
  return coefficients;
}

}  // namespace

void flip_vertically(const Square& image) {
  for (int top = 0, bottom = image.size - 1; top < bottom; ++top, --bottom)
    std::swap_ranges(image.row(top), image.row(top) + image.row_bytes(), image.row(bottom));
}

void move(const Square& image, const Movement& movement, const Surroundings& surroundings, Scratch& scratch) {
  const Matrix m = inverse(movement, image.size);
  if (surroundings.interpolation == Sampling::nearest) {
    move_nearest(image, m, surroundings.fill, scratch);
    return;
  }
  const auto place = [&m](int x, int y) { return std::pair{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]}; };
  resample(image, place, surroundings, scratch);
}

void change_perspective(const Square& image, const Corners& corners, const Surroundings& surroundings,
                        Scratch& scratch) {
  const std::array<double, 8> k = projection(corners, image.size);
  // torchvision, and Pillow, take the corners for corners of pixels, and so do the places here: half a pixel off.
  const auto place = [&k](int column, int row) {
    const double x = column + 0.5, y = row + 0.5, w = k[6] * x + k[7] * y + 1;
    return std::pair{(k[0] * x + k[1] * y + k[2]) / w - 0.5, (k[3] * x + k[4] * y + k[5]) / w - 0.5};
  };
  resample(image, place, surroundings, scratch);
}

}  // namespace tandem::augment
