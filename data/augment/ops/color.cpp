#include "data/augment/ops/color.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem::augment {
namespace {

using Table = std::array<std::uint8_t, 256>;

std::uint8_t to_byte(float x) { return static_cast<std::uint8_t>(std::min(std::max(x, 0.0F), 255.0F)); }

/// The table of a function of a channel's value.
template <class Function>
Table tabulate(Function function) {
  Table table;
  for (std::size_t x = 0; x < table.size(); ++x) table[x] = function(static_cast<float>(x));
  return table;
}

void look_up(const Square& image, const Table& table) {
  for (std::uint8_t& x : image.pixels) x = table[x];
}

void look_up(const Square& image, const std::array<Table, 3>& tables) {
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) image.pixels[i + c] = tables[c][image.pixels[i + c]];
}

int grey(const std::uint8_t* pixel) {
  return static_cast<int>(0.2989F * static_cast<float>(pixel[0]) + 0.587F * static_cast<float>(pixel[1]) +
                          0.114F * static_cast<float>(pixel[2]));
}

/// Some pixels, a channel after the other, so that arithmetic on them is vectorised.
struct Planes {
  static constexpr std::size_t kPixels = 128;
  std::array<float, kPixels> red, green, blue;
};

/// Turns the hue of pixels with channels from 0 to 255; the results are whole numbers as torchvision makes them.
void turn_hue(Planes& planes, float sixths) {
  for (std::size_t i = 0; i < Planes::kPixels; ++i) {
    const float r = planes.red[i] / 255, g = planes.green[i] / 255, b = planes.blue[i] / 255;
    const float high = std::max(r, std::max(g, b)), low = std::min(r, std::min(g, b));
    const float range = high - low, divisor = range > 0 ? range : 1;
    const float of_red = (g - b) / divisor, of_green = 2 + (b - r) / divisor, of_blue = 4 + (r - g) / divisor;
    const float hue = (high == r ? of_red : high == g ? of_green : of_blue) + sixths + 12;  // in sixths, above 0
    // A channel falls from the highest value by as much of the range as the hue is away from its own.
    const auto channel = [&](float own) {
      const float shifted = hue + own;
      const float k = shifted - 6 * static_cast<float>(static_cast<int>(shifted / 6));
      const float away = std::max(0.0F, std::min(1.0F, std::min(k, 4 - k)));
      return (high - range * away) * 255.999F;
    };
    planes.red[i] = channel(5);
    planes.green[i] = channel(3);
    planes.blue[i] = channel(1);
  }
}

/// A histogram of each channel.
std::array<std::array<int, 256>, 3> histograms(const Square& image) {
  std::array<std::array<int, 256>, 3> counts{};
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) ++counts[c][image.pixels[i + c]];
  return counts;
}

Table equalizing(const std::array<int, 256>& counts) {
  int total = 0, highest = 0;
  for (const int count : counts) {
    total += count;
    if (count > 0) highest = count;
  }
  const int step = (total - highest) / 255;
  Table table;
  int below = 0;
  for (std::size_t x = 0; x < table.size(); ++x) {
    table[x] = static_cast<std::uint8_t>(step == 0 ? static_cast<int>(x) : std::min((below + step / 2) / step, 255));
    below += counts[x];
  }
  return table;
}

/// The lowest and the highest value of each channel. The loops over kBlock bytes, a multiple of 3, are vectorised.
struct Extremes {
  static constexpr std::size_t kBlock = 48;
  std::array<std::uint8_t, 3> low, high;

  explicit Extremes(const Square& image) {
    std::array<std::uint8_t, kBlock> lows, highs;
    lows.fill(255);
    highs.fill(0);
    const std::size_t end = image.pixels.size() / kBlock * kBlock;
    for (std::size_t i = 0; i < end; i += kBlock)
      for (std::size_t j = 0; j < kBlock; ++j) {
        lows[j] = std::min(lows[j], image.pixels[i + j]);
        highs[j] = std::max(highs[j], image.pixels[i + j]);
      }
    for (std::size_t i = end; i < image.pixels.size(); ++i) {
      lows[i - end] = std::min(lows[i - end], image.pixels[i]);
      highs[i - end] = std::max(highs[i - end], image.pixels[i]);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      low[c] = 255;
      high[c] = 0;
      for (std::size_t j = c; j < kBlock; j += 3) {
        low[c] = std::min(low[c], lows[j]);
        high[c] = std::max(high[c], highs[j]);
      }
    }
  }
};

}  // namespace

void adjust_brightness(const Square& image, float factor) {
  look_up(image, tabulate([&](float x) { return to_byte(x * factor); }));
}

void adjust_contrast(const Square& image, float factor) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) sum += grey(&image.pixels[i]);
  const auto mean = static_cast<float>(static_cast<double>(sum) * 3 / static_cast<double>(image.pixels.size()));
  look_up(image, tabulate([&](float x) { return to_byte(x * factor + mean * (1 - factor)); }));
}

void adjust_saturation(const Square& image, float factor) {
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    std::uint8_t* pixel = &image.pixels[i];
    const float rest = (1 - factor) * static_cast<float>(grey(pixel));
    for (int c = 0; c < 3; ++c) pixel[c] = to_byte(static_cast<float>(pixel[c]) * factor + rest);
  }
}

void adjust_hue(const Square& image, float turns) {
  Planes planes{};
  const std::size_t count = image.pixels.size() / 3;
  for (std::size_t begin = 0; begin < count; begin += Planes::kPixels) {
    const std::size_t n = std::min(Planes::kPixels, count - begin);
    std::uint8_t* pixel = image.pixels.data() + begin * 3;
    for (std::size_t i = 0; i < n; ++i) {
      planes.red[i] = pixel[i * 3];
      planes.green[i] = pixel[i * 3 + 1];
      planes.blue[i] = pixel[i * 3 + 2];
    }
    turn_hue(planes, 6 * turns);
    for (std::size_t i = 0; i < n; ++i) {
      pixel[i * 3] = to_byte(planes.red[i]);
      pixel[i * 3 + 1] = to_byte(planes.green[i]);
      pixel[i * 3 + 2] = to_byte(planes.blue[i]);
    }
  }
}

void grayscale(const Square& image) {
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    const auto g = static_cast<std::uint8_t>(grey(&image.pixels[i]));
    for (std::size_t c = 0; c < 3; ++c) image.pixels[i + c] = g;
  }
}

void posterize(const Square& image, int bits) {
  const auto mask = static_cast<std::uint8_t>(0xFF00 >> bits);
  for (std::uint8_t& x : image.pixels) x &= mask;
}

void solarize(const Square& image, float threshold) {
  const int from = static_cast<int>(std::ceil(threshold));
  for (std::uint8_t& x : image.pixels) x = static_cast<std::uint8_t>(x >= from ? 255 - x : x);
}

void invert(const Square& image) {
  for (std::uint8_t& x : image.pixels) x = static_cast<std::uint8_t>(255 - x);
}

void autocontrast(const Square& image) {
  const Extremes extremes(image);
  std::array<Table, 3> tables;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto low = static_cast<float>(extremes.low[c]);
    const float unit = (static_cast<float>(extremes.high[c]) - low) * (1.0F / 255);
    tables[c] = tabulate([&](float x) { return to_byte(unit == 0 ? x : (x - low) / unit); });
  }
  look_up(image, tables);
}

void equalize(const Square& image) {
  const auto counts = histograms(image);
  std::array<Table, 3> tables;
  for (std::size_t c = 0; c < 3; ++c) tables[c] = equalizing(counts[c]);
  look_up(image, tables);
}

}  // namespace tandem::augment
