#include "data/augment/ops/filter.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace tandem::augment {
namespace {

/// One row of sharpened bytes from the row and its neighbours: bytes 3 .. bytes - 4, the edge being left out.
void sharpen_row(const std::uint8_t* above, const std::uint8_t* own, const std::uint8_t* below, std::size_t bytes,
                 float change, std::vector<float>& columns, std::uint8_t* out) {
  for (std::size_t i = 0; i < bytes; ++i) columns[i] = static_cast<float>(above[i] + own[i] + below[i]);
  for (std::size_t i = 3; i + 3 < bytes; ++i) {
    const auto x = static_cast<float>(own[i]);
    const float sum = columns[i - 3] + columns[i] + columns[i + 3] + 4 * x;
    // 13 is odd, so that no mean lies in the middle between two numbers. A call of lround() would not be vectorised.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    const auto smooth = static_cast<float>(static_cast<int>(sum * (1.0F / 13) + 0.5F));
    out[i] = static_cast<std::uint8_t>(std::min(std::max(x + change * (smooth - x), 0.0F), 255.0F));
  }
}

/// The weights at the distances 0, 1, ...; those that change no byte are left out.
std::vector<float> gaussian(int kernel_size, float sigma) {
  constexpr double kNothing = 1e-6;
  std::vector<double> weights;
  double sum = 0;
  for (int d = 0; d <= kernel_size / 2; ++d) {
    const double x = d / static_cast<double>(sigma);
    weights.push_back(std::exp(-0.5 * x * x));
    sum += (d == 0 ? 1 : 2) * weights.back();
  }
  std::vector<float> kept;
  for (const double w : weights)
    if (w / sum >= kNothing) kept.push_back(static_cast<float>(w / sum));
  return kept;
}

/// The place in 0 .. size - 1 of one beyond it, mirrored.
int mirrored(int place, int size) {
  if (place < 0) place = -place;
  return place < size ? place : 2 * (size - 1) - place;
}

/// Averages along a row of `size` pixels. `wide` has room for the row and reach pixels on either side.
void blur_row(const std::uint8_t* row, int size, const std::vector<float>& weights, std::vector<float>& wide,
              float* out) {
  const int reach = static_cast<int>(weights.size()) - 1;
  for (int x = -reach; x < size + reach; ++x)
    for (int c = 0; c < 3; ++c)
      wide[3 * static_cast<std::size_t>(x + reach) + static_cast<std::size_t>(c)] = row[mirrored(x, size) * 3 + c];
  const float* middle = wide.data() + static_cast<std::ptrdiff_t>(reach) * 3;
  const std::ptrdiff_t bytes = static_cast<std::ptrdiff_t>(size) * 3;
  for (std::ptrdiff_t i = 0; i < bytes; ++i) out[i] = weights[0] * middle[i];
  for (std::ptrdiff_t d = 1; d <= reach; ++d) {
    const float weight = weights[static_cast<std::size_t>(d)];
    for (std::ptrdiff_t i = 0; i < bytes; ++i) out[i] += weight * (middle[i - 3 * d] + middle[i + 3 * d]);
  }
}

}  // namespace

void adjust_sharpness(const Square& image, float factor, Scratch& scratch) {
  if (image.size <= 2) return;
  const std::size_t bytes = image.row_bytes();
  scratch.bytes.assign(image.pixels.begin(), image.pixels.end());
  scratch.floats.resize(bytes);
  for (int y = 1; y + 1 < image.size; ++y) {
    const std::uint8_t* own = scratch.bytes.data() + static_cast<std::size_t>(y) * bytes;
    sharpen_row(own - bytes, own, own + bytes, bytes, 1 - factor, scratch.floats, image.row(y));
  }
}

void gaussian_blur(const Square& image, int kernel_size, float sigma, Scratch& scratch) {
  require(kernel_size % 2 == 1 && kernel_size / 2 < image.size, "blur: {} pixels of a picture of {}", kernel_size,
          image.size);
  const std::vector<float> weights = gaussian(kernel_size, sigma);
  const int reach = static_cast<int>(weights.size()) - 1;
  const std::size_t bytes = image.row_bytes();
  scratch.floats.resize(bytes * static_cast<std::size_t>(image.size));
  std::vector<float> wide(static_cast<std::size_t>(image.size + 2 * reach) * 3), sums(bytes);
  const auto narrowed = [&](int y) { return scratch.floats.data() + static_cast<std::size_t>(y) * bytes; };
  for (int y = 0; y < image.size; ++y) blur_row(image.row(y), image.size, weights, wide, narrowed(y));
  for (int y = 0; y < image.size; ++y) {
    const float* own = narrowed(y);
    for (std::size_t i = 0; i < bytes; ++i) sums[i] = 0.5F + weights[0] * own[i];
    for (int d = 1; d <= reach; ++d) {
      const float* above = narrowed(mirrored(y - d, image.size));
      const float* below = narrowed(mirrored(y + d, image.size));
      const float weight = weights[static_cast<std::size_t>(d)];
      for (std::size_t i = 0; i < bytes; ++i) sums[i] += weight * (above[i] + below[i]);
    }
    std::uint8_t* out = image.row(y);
    for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(std::min(sums[i], 255.0F));
  }
}

}  // namespace tandem::augment
