#include "data/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>

#include "core/base/error.h"
#include "data/image/resize_kernels.h"

namespace tandem {
namespace {

double sinc(double x) {
  const double angle = std::numbers::pi * x;
  return x == 0 ? 1 : std::sin(angle) / angle;
}

/// A filter as a function of the distance, in units of its reach of 1, 2 or 3.
double filter(Interpolation interpolation, double distance) {
  const double x = std::abs(distance);
  switch (interpolation) {
    case Interpolation::bilinear:
      return std::max(0.0, 1.0 - x);
    case Interpolation::bicubic:  // with a = -0.5
      return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0;
    case Interpolation::lanczos:
      return x < 3 ? sinc(x) * sinc(x / 3) : 0;
  }
  fail("an interpolation without a filter");
}

int reach_of(Interpolation interpolation) {
  return interpolation == Interpolation::bilinear ? 1 : interpolation == Interpolation::bicubic ? 2 : 3;
}

/// The part of an axis that is resized, in pixels of the axis as it is stored and reduced.
struct Stretch {
  int begin = 0;      // its pixels, of which the first and the last may lie in it only partly
  int length = 0;     // their number
  double before = 0;  // how much of the pixels lies before the part, in the upright direction
  double extent = 0;  // the part's length
  bool mirrored = false;
};

/// Of the pixels from .. from + length - 1 of the upright axis, which has `side` pixels.
Stretch stretch_of(int from, int length, int side, bool mirrored, int eighths) {
  const std::int64_t first = std::int64_t{mirrored ? side - from - length : from} * eighths;
  const std::int64_t last = first + std::int64_t{length} * eighths;
  const std::int64_t begin = first / 8, end = (last + 7) / 8;
  const std::int64_t before = mirrored ? end * 8 - last : first - begin * 8;
  return {static_cast<int>(begin), static_cast<int>(end - begin), static_cast<double>(before) / 8,
          length * (eighths / 8.0), mirrored};
}

/// Puts the axis's pixels in the order in which they are stored.
void mirror(ResizeAxis& axis, int length) {
  for (std::size_t i = 0; i < axis.size(); ++i) {
    std::int32_t* weights = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    axis.first[i] = length - axis.first[i] - axis.used[i];
    std::reverse(weights, weights + axis.used[i]);
  }
}

/// Makes the axis's origin the first pixel that is used. The axis's pixels begin at `begin`.
void set_origin(ResizeAxis& axis, int begin) {
  const int least = *std::min_element(axis.first.begin(), axis.first.end());
  axis.origin = begin + least;
  for (std::size_t i = 0; i < axis.size(); ++i) {
    axis.first[i] -= least;
    axis.extent = std::max(axis.extent, axis.first[i] + axis.used[i]);
  }
}

/// For the output coordinates from .. from + count - 1 where the part becomes `resized` pixels.
ResizeAxis resize_axis(const Stretch& part, int resized, int from, int count, const Resampling& resampling) {
  const double scale = part.extent / resized;
  const double widening = resampling.antialias ? std::max(scale, 1.0) : 1.0;
  const double support = reach_of(resampling.interpolation) * widening;  // half the filter's width
  ResizeAxis axis;
  axis.taps = 2 * static_cast<int>(std::ceil(support)) + 1;
  const auto n = static_cast<std::size_t>(count);
  axis.first.resize(n);
  axis.used.resize(n);
  axis.weights.resize(n * static_cast<std::size_t>(axis.taps));
  std::vector<double> values(static_cast<std::size_t>(axis.taps));
  for (std::size_t i = 0; i < n; ++i) {
    const double center = part.before + (from + static_cast<int>(i) + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(std::lround(center - support)));
    const int end = std::min(part.length, static_cast<int>(std::lround(center + support)));
    double sum = 0;
    for (int k = 0; k < end - first; ++k) {
      const double w = filter(resampling.interpolation, (first + k + 0.5 - center) / widening);
      values[static_cast<std::size_t>(k)] = w;
      sum += w;
    }
    std::int32_t* weights = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    for (int k = 0; k < end - first; ++k)
      weights[k] =
          static_cast<std::int32_t>(std::lround(values[static_cast<std::size_t>(k)] / sum * (1 << kResizeWeightBits)));
    axis.first[i] = first;
    axis.used[i] = end - first;
  }
  if (part.mirrored) mirror(axis, part.length);
  set_origin(axis, part.begin);
  return axis;
}

/// The output coordinates in reverse order.
void flip(ResizeAxis& axis) {
  const auto taps = static_cast<std::ptrdiff_t>(axis.taps);
  std::reverse(axis.first.begin(), axis.first.end());
  std::reverse(axis.used.begin(), axis.used.end());
  auto front = axis.weights.begin(), back = axis.weights.end() - taps;
  for (; front < back; front += taps, back -= taps) std::swap_ranges(front, front + taps, back);
}

const std::int32_t* weights_of(const ResizeAxis& axis, std::size_t i) {
  return axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
}

RowAverages averages(const ResizeAxis& axis) {
  return {axis.first, axis.used, axis.weights, static_cast<std::size_t>(axis.taps)};
}

bool contains(int height, int width, const Box& box) {
  return box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 && box.top + box.height <= height &&
         box.left + box.width <= width;
}

std::unique_ptr<std::uint8_t[]> unset_bytes(std::size_t rows, std::size_t bytes) {
  return std::make_unique_for_overwrite<std::uint8_t[]>(rows * bytes);
}

}  // namespace

Resizer::Resizer(const Resizing& what, const StoredForm& storage) : turned_(storage.orientation >= 5) {
  const int orientation = storage.orientation;
  const int height = turned_ ? storage.width : storage.height, width = turned_ ? storage.height : storage.width;
  require(contains(height, width, what.source), "resize: the source lies outside the image");
  require(contains(what.height, what.width, what.window), "resize: the window lies outside the result");
  const bool mirrored_rows = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool mirrored_columns = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  rows_ = resize_axis(stretch_of(what.source.top, what.source.height, height, mirrored_rows, storage.eighths),
                      what.height, what.window.top, what.window.height, what.resampling);
  columns_ = resize_axis(stretch_of(what.source.left, what.source.width, width, mirrored_columns, storage.eighths),
                         what.width, what.window.left, what.window.width, what.resampling);
  if (what.flip) flip(columns_);
}

Box Resizer::needed() const {
  const ResizeAxis &rows = turned_ ? columns_ : rows_, &columns = turned_ ? rows_ : columns_;
  return {rows.origin, columns.origin, rows.extent, columns.extent};
}

void Resizer::run(const Image& part, int top, int left, std::uint8_t* out, std::size_t stride) const {
  const Box box = needed();
  require(contains(part.height, part.width, {box.top - top, box.left - left, box.height, box.width}),
          "resize: the part lacks pixels");
  const std::uint8_t* first = part.row(box.top - top) + std::ptrdiff_t{3} * (box.left - left);
  turned_ ? run_turned(part, first, out, stride) : run_straight(part, first, out, stride);
}

void Resizer::run_straight(const Image& part, const std::uint8_t* first, std::uint8_t* out, std::size_t stride) const {
  const ResizeKernels& kernels = resize_kernels();
  const std::size_t row_bytes = columns_.size() * 3;
  const auto narrowed = unset_bytes(static_cast<std::size_t>(rows_.extent), row_bytes);
  kernels.along_rows(first, static_cast<std::size_t>(part.width) * 3, part.pixels.data() + part.pixels.size(),
                     rows_.extent, averages(columns_), narrowed.get());
  for (std::size_t y = 0; y < rows_.size(); ++y)
    kernels.across_rows(narrowed.get() + row_bytes * static_cast<std::size_t>(rows_.first[y]), row_bytes, row_bytes,
                        weights_of(rows_, y), rows_.used[y], out + y * stride);
}

// The upright picture's rows are stored as columns. They are averaged first all the same, so that the bits are those of
// a picture that is turned first.
void Resizer::run_turned(const Image& part, const std::uint8_t* first, std::uint8_t* out, std::size_t stride) const {
  const ResizeKernels& kernels = resize_kernels();
  const std::size_t part_bytes = static_cast<std::size_t>(part.width) * 3;
  const std::size_t long_bytes = static_cast<std::size_t>(rows_.extent) * 3, short_bytes = rows_.size() * 3;
  const auto narrowed = unset_bytes(columns_.size(), long_bytes), small = unset_bytes(columns_.size(), short_bytes);
  for (std::size_t x = 0; x < columns_.size(); ++x)
    kernels.across_rows(first + part_bytes * static_cast<std::size_t>(columns_.first[x]), part_bytes, long_bytes,
                        weights_of(columns_, x), columns_.used[x], narrowed.get() + x * long_bytes);
  kernels.along_rows(narrowed.get(), long_bytes, narrowed.get() + columns_.size() * long_bytes,
                     static_cast<int>(columns_.size()), averages(rows_), small.get());
  for (std::size_t y = 0; y < rows_.size(); ++y)
    for (std::size_t x = 0; x < columns_.size(); ++x)
      std::memcpy(out + y * stride + x * 3, small.get() + x * short_bytes + y * 3, 3);
}

void resize_image(const Image& image, const Box& source, int height, int width, const Box& window, bool flip,
                  const Resampling& resampling, std::span<std::uint8_t> out) {
  const Resizer resizer({source, height, width, window, flip, resampling}, {image.height, image.width});
  const std::size_t row_bytes = static_cast<std::size_t>(window.width) * 3;
  require(out.size() == row_bytes * static_cast<std::size_t>(window.height), "resize: output of {} bytes: expected {}",
          out.size(), row_bytes * static_cast<std::size_t>(window.height));
  resizer.run(image, 0, 0, out.data(), row_bytes);
}

}  // namespace tandem
