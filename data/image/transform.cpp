#include "data/image/transform.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/base/error.h"
#include "data/augment/plan.h"

namespace tandem {
namespace {

/// Weights are integers scaled by 2^22, Pillow's choice: with 8-bit pixels and weights that sum to 1, sums fit 32 bits.
constexpr int kWeightBits = 22;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

/// For each output coordinate of one axis: the first source coordinate and the weights from there on.
struct AxisWeights {
  int taps = 0;                       // weights an output coordinate has room for
  std::vector<int> first;             // (count), relative to the source's start
  std::vector<int> used;              // (count), at most `taps`
  std::vector<std::int32_t> weights;  // (count, taps)
};

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

/// The weights of output coordinates from .. from + count - 1 where `source` pixels become `resized` pixels.
AxisWeights axis_weights(int source, int resized, int from, int count, const Resampling& resampling) {
  const double scale = static_cast<double>(source) / resized;
  const double widening = resampling.antialias ? std::max(scale, 1.0) : 1.0;
  const double support = reach_of(resampling.interpolation) * widening;  // half the filter's width
  AxisWeights axis;
  axis.taps = 2 * static_cast<int>(std::ceil(support)) + 1;
  const auto n = static_cast<std::size_t>(count);
  axis.first.resize(n);
  axis.used.resize(n);
  axis.weights.resize(n * static_cast<std::size_t>(axis.taps));
  std::vector<double> values(static_cast<std::size_t>(axis.taps));
  for (std::size_t i = 0; i < n; ++i) {
    const double center = (from + static_cast<int>(i) + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(std::lround(center - support)));
    const int end = std::min(source, static_cast<int>(std::lround(center + support)));
    double sum = 0;
    for (int k = 0; k < end - first; ++k) {
      const double w = filter(resampling.interpolation, (first + k + 0.5 - center) / widening);
      values[static_cast<std::size_t>(k)] = w;
      sum += w;
    }
    std::int32_t* weights = axis.weights.data() + i * static_cast<std::size_t>(axis.taps);
    for (int k = 0; k < end - first; ++k)
      weights[k] =
          static_cast<std::int32_t>(std::lround(values[static_cast<std::size_t>(k)] / sum * (1 << kWeightBits)));
    axis.first[i] = first;
    axis.used[i] = end - first;
  }
  return axis;
}

std::uint8_t to_pixel(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

/// Averages along one row of RGB pixels.
void resize_row(const std::uint8_t* source, const AxisWeights& columns, bool flip, std::uint8_t* out) {
  const std::size_t width = columns.first.size();
  for (std::size_t x = 0; x < width; ++x) {
    const std::uint8_t* pixel = source + columns.first[x] * 3;
    const std::int32_t* weight = columns.weights.data() + x * static_cast<std::size_t>(columns.taps);
    std::int32_t red = kHalf;
    std::int32_t green = kHalf;
    std::int32_t blue = kHalf;
    for (int k = 0; k < columns.used[x]; ++k, pixel += 3) {
      red += weight[k] * pixel[0];
      green += weight[k] * pixel[1];
      blue += weight[k] * pixel[2];
    }
    std::uint8_t* target = out + (flip ? width - 1 - x : x) * 3;
    target[0] = to_pixel(red);
    target[1] = to_pixel(green);
    target[2] = to_pixel(blue);
  }
}

/// Averages `taps` rows of `bytes` bytes, one below the other.
void average_rows(const std::uint8_t* rows, std::size_t bytes, const std::int32_t* weights, int taps,
                  std::vector<std::int32_t>& sums, std::uint8_t* out) {
  sums.assign(bytes, kHalf);
  for (int k = 0; k < taps; ++k, rows += bytes) {
    const std::int32_t weight = weights[k];
    for (std::size_t i = 0; i < bytes; ++i) sums[i] += weight * rows[i];
  }
  for (std::size_t i = 0; i < bytes; ++i) out[i] = to_pixel(sums[i]);
}

bool contains(int height, int width, const Box& box) {
  return box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 && box.top + box.height <= height &&
         box.left + box.width <= width;
}

/// The pixels that an image has when it is resized as `input` says, {0, 0, height, width}.
Box resized(const Image& image, const InputGeometry& input) {
  if (input.squash) return {0, 0, input.resize, input.resize};
  // The longer side is cut to an integer, as in torchvision.
  const auto longer = static_cast<int>(static_cast<std::int64_t>(input.resize) * std::max(image.height, image.width) /
                                       std::min(image.height, image.width));
  return {0, 0, image.height <= image.width ? input.resize : longer,
          image.height <= image.width ? longer : input.resize};
}

/// The evaluation crop, mirrored if asked to.
void center_crop(const Image& image, const InputGeometry& input, bool flip, std::span<std::uint8_t> out) {
  const Box whole{0, 0, image.height, image.width}, whole_resized = resized(image, input);
  const int size = input.size;
  // The middle rounds half to even, as in torchvision.
  const auto middle = [size](int length) { return static_cast<int>(std::nearbyint((length - size) / 2.0)); };
  resize_image(image, whole, whole_resized.height, whole_resized.width,
               {middle(whole_resized.height), middle(whole_resized.width), size, size}, flip, input.resampling, out);
}

/// Turns RGB into the order that the network expects.
void order_channels(const InputGeometry& input, std::span<std::uint8_t> pixels) {
  if (!input.bgr) return;
  for (std::size_t i = 0; i + 2 < pixels.size(); i += 3) std::swap(pixels[i], pixels[i + 2]);
}

}  // namespace

InputGeometry::InputGeometry(int side) : InputGeometry(InputOptions(), side) {}

InputGeometry::InputGeometry(const InputOptions& options, int side)
    : size(side),
      resize(static_cast<int>(std::lround(side / options.crop))),
      squash(options.resize == InputOptions::Resize::squash),
      resampling{options.interpolation, options.antialias},
      bgr(options.channels == InputOptions::Channels::bgr) {}

void resize_image(const Image& image, const Box& source, int height, int width, const Box& window, bool flip,
                  const Resampling& resampling, std::span<std::uint8_t> out) {
  const std::size_t row_bytes = static_cast<std::size_t>(window.width) * 3;
  require(contains(image.height, image.width, source), "resize: the source lies outside the image");
  require(contains(height, width, window), "resize: the window lies outside the result");
  require(out.size() == row_bytes * static_cast<std::size_t>(window.height), "resize: output of {} bytes: expected {}",
          out.size(), row_bytes * static_cast<std::size_t>(window.height));
  const AxisWeights rows = axis_weights(source.height, height, window.top, window.height, resampling);
  const AxisWeights columns = axis_weights(source.width, width, window.left, window.width, resampling);

  // Only the rows that the window's rows see.
  const int first_row = rows.first.front();
  const int end_row = rows.first.back() + rows.used.back();
  std::vector<std::uint8_t> narrowed(row_bytes * static_cast<std::size_t>(end_row - first_row));
  for (int y = first_row; y < end_row; ++y)
    resize_row(image.row(source.top + y) + source.left * 3, columns, flip,
               narrowed.data() + row_bytes * static_cast<std::size_t>(y - first_row));
  std::vector<std::int32_t> sums;
  for (std::size_t y = 0; y < rows.first.size(); ++y)
    average_rows(narrowed.data() + row_bytes * static_cast<std::size_t>(rows.first[y] - first_row), row_bytes,
                 rows.weights.data() + y * static_cast<std::size_t>(rows.taps), rows.used[y], sums,
                 out.data() + y * row_bytes);
}

Box random_resized_crop(int height, int width, std::array<float, 2> scale, Random& random,
                        std::array<double, 2> ratio) {
  const auto [narrowest, widest] = ratio;
  const double area = static_cast<double>(height) * width;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double crop_area = area * random.uniform(scale[0], scale[1]);
    const double aspect = narrowest * std::pow(widest / narrowest, static_cast<double>(random.uniform()));
    const auto w = static_cast<int>(std::lround(std::sqrt(crop_area * aspect)));
    const auto h = static_cast<int>(std::lround(std::sqrt(crop_area / aspect)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const auto top = static_cast<int>(random.below(static_cast<std::uint32_t>(height - h + 1)));
    const auto left = static_cast<int>(random.below(static_cast<std::uint32_t>(width - w + 1)));
    return {top, left, h, w};
  }
  const double aspect = static_cast<double>(width) / height;
  int w = width;
  int h = height;
  if (aspect < narrowest) h = std::max(1, static_cast<int>(std::lround(w / narrowest)));
  if (aspect > widest) w = std::max(1, static_cast<int>(std::lround(h * widest)));
  return {(height - h) / 2, (width - w) / 2, h, w};
}

bool draw_flip(const AugmentOptions& augment, Random& random) { return augment.flip && random.below(2) == 1; }

void train_transform(const Image& image, const InputGeometry& input, const AugmentOptions& augment, Random random,
                     std::span<std::uint8_t> out) {
  const bool flip = draw_flip(augment, random);
  if (augment.random_resized_crop) {
    const auto [smallest, largest] = *augment.random_resized_crop;
    const std::array<float, 2> scale{static_cast<float>(smallest), static_cast<float>(largest)};
    const Box crop = random_resized_crop(image.height, image.width, scale, random, augment.crop_ratio);
    resize_image(image, crop, input.size, input.size, {0, 0, input.size, input.size}, flip, input.resampling, out);
  } else {
    center_crop(image, input, flip, out);
  }
  augment::augment_square(augment, out, input.size, random);
  order_channels(input, out);
}

void eval_transform(const Image& image, const InputGeometry& input, std::span<std::uint8_t> out) {
  center_crop(image, input, false, out);
  order_channels(input, out);
}

}  // namespace tandem
