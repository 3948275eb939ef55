#include "tools/near/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>
#include <vector>

#include "data/image/transform.h"

namespace tandem::tools {
namespace {

constexpr int kSide = Fingerprint::kSide;
constexpr std::size_t kRow = kSide;
constexpr std::size_t kIntervals = 4;  // of an axis
constexpr std::size_t kFrequencies = 10;
constexpr std::size_t kBits = 64;

struct Interval {
  double low, high;
};
constexpr std::array<Interval, kIntervals> kCuts = {{{0, 1}, {0.05, 0.95}, {0, 0.95}, {0.05, 1}}};

struct Frequency {
  std::size_t across, down;
};

/// A row of numbers for each frequency.
using Basis = std::array<std::array<float, kRow>, kFrequencies>;

struct Tables {
  std::array<Basis, kIntervals> bases;
  std::array<Frequency, kBits> frequencies;
  std::uint64_t odd = 0;  // the bits that mirroring turns over
};

/// cos(pi u (x - low) / (high - low)), integrated over the share of each pixel that lies in the interval.
Basis basis_of(const Interval& cut) {
  Basis basis{};
  const double length = (cut.high - cut.low) * kSide;
  for (std::size_t u = 0; u < kFrequencies; ++u)
    for (std::size_t x = 0; x < kRow; ++x) {
      const double from = std::clamp(static_cast<double>(x) - cut.low * kSide, 0.0, length);
      const double to = std::clamp(static_cast<double>(x) + 1 - cut.low * kSide, 0.0, length);
      const double rate = std::numbers::pi * static_cast<double>(u) / length;
      basis[u][x] = static_cast<float>(u == 0 ? to - from : (std::sin(rate * to) - std::sin(rate * from)) / rate);
    }
  return basis;
}

Tables make_tables() {
  Tables tables;
  for (std::size_t i = 0; i < kIntervals; ++i) tables.bases[i] = basis_of(kCuts[i]);
  std::vector<Frequency> all;
  for (std::size_t down = 0; down < kFrequencies; ++down)
    for (std::size_t across = 0; across < kFrequencies; ++across)
      if (across + down > 0) all.push_back({across, down});
  const auto order = [](const Frequency& f) { return std::tuple(f.across * f.across + f.down * f.down, f.across); };
  std::sort(all.begin(), all.end(), [&](const Frequency& a, const Frequency& b) { return order(a) < order(b); });
  std::copy_n(all.begin(), kBits, tables.frequencies.begin());
  for (std::size_t bit = 0; bit < kBits; ++bit)
    if (tables.frequencies[bit].across % 2 == 1) tables.odd |= std::uint64_t{1} << bit;
  return tables;
}

const Tables& tables() {
  static const Tables kTables = make_tables();
  return kTables;
}

using Pixels = std::array<float, Fingerprint::kPixels>;

/// The pixels of a window at the size of the whole, interpolated between their centres.
Pixels cut_out(const Fingerprint& picture, const Window& part) {
  struct Tap {
    std::size_t first, second;
    float share;  // of the second
  };
  const auto taps = [](double low, double high, bool mirrored) {
    std::array<Tap, kRow> axis{};
    for (std::size_t i = 0; i < kRow; ++i) {
      const double at = (static_cast<double>(i) + 0.5) / kSide;
      const double place = std::clamp((low + (high - low) * (mirrored ? 1 - at : at)) * kSide - 0.5, 0.0, kSide - 1.0);
      const auto first = static_cast<std::size_t>(place);
      axis[i] = {first, std::min(first + 1, kRow - 1), static_cast<float>(place - std::floor(place))};
    }
    return axis;
  };
  const auto across = taps(part.left, part.right, part.mirrored), down = taps(part.top, part.bottom, false);
  Pixels pixels;
  for (std::size_t y = 0; y < kRow; ++y) {
    const std::uint8_t* upper = picture.grey.data() + down[y].first * kRow;
    const std::uint8_t* lower = picture.grey.data() + down[y].second * kRow;
    for (std::size_t x = 0; x < kRow; ++x) {
      const auto [first, second, share] = across[x];
      const float above = static_cast<float>(upper[first]) * (1 - share) + static_cast<float>(upper[second]) * share;
      const float below = static_cast<float>(lower[first]) * (1 - share) + static_cast<float>(lower[second]) * share;
      pixels[y * kRow + x] = above * (1 - down[y].share) + below * down[y].share;
    }
  }
  return pixels;
}

/// The averages of 5 pixels along each axis, fewer at the edges, where the nearest pixel stands in.
Pixels blurred(const Pixels& pixels) {
  constexpr int kReach = 2;
  const auto at = [](int i) { return static_cast<std::size_t>(std::clamp(i, 0, kSide - 1)); };
  Pixels rows, both;
  for (std::size_t y = 0; y < kRow; ++y)
    for (int x = 0; x < kSide; ++x) {
      float sum = 0;
      for (int k = -kReach; k <= kReach; ++k) sum += pixels[y * kRow + at(x + k)];
      rows[y * kRow + at(x)] = sum;
    }
  for (int y = 0; y < kSide; ++y)
    for (std::size_t x = 0; x < kRow; ++x) {
      float sum = 0;
      for (int k = -kReach; k <= kReach; ++k) sum += rows[at(y + k) * kRow + x];
      both[at(y) * kRow + x] = sum / 25;
    }
  return both;
}

/// Pearson's correlation; 0 where one of them is constant.
double correlation(const Pixels& a, const Pixels& b) {
  double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    sum_a += x;
    sum_b += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const auto n = static_cast<double>(a.size());
  const double variances = (aa - sum_a * sum_a / n) * (bb - sum_b * sum_b / n);
  return variances > 1e-9 ? (ab - sum_a * sum_b / n) / std::sqrt(variances) : 0;
}

struct Layers {
  Pixels whole, detail;
};

Layers layers_of(const Fingerprint& picture, const Window& part) {
  Layers layers;
  layers.whole = cut_out(picture, part);
  layers.detail = blurred(layers.whole);
  for (std::size_t i = 0; i < layers.whole.size(); ++i) layers.detail[i] = layers.whole[i] - layers.detail[i];
  return layers;
}

}  // namespace

bool Fingerprint::is_blank() const {
  double sum = 0, squares = 0;
  for (const double value : grey) {
    sum += value;
    squares += value * value;
  }
  constexpr double kLeast = 2;
  const auto n = static_cast<double>(kPixels);
  return squares / n - sum / n * (sum / n) < kLeast * kLeast;
}

Fingerprint fingerprint_of(const Image& image) {
  std::array<std::uint8_t, Fingerprint::kPixels * 3> rgb;
  const Box whole{0, 0, image.height, image.width}, small{0, 0, kSide, kSide};
  resize_image(image, whole, kSide, kSide, small, false, {}, rgb);
  Fingerprint picture;
  for (std::size_t i = 0; i < picture.grey.size(); ++i)
    picture.grey[i] =
        static_cast<std::uint8_t>((rgb[3 * i] * 299 + rgb[3 * i + 1] * 587 + rgb[3 * i + 2] * 114 + 500) / 1000);
  return picture;
}

Window window(std::size_t number) {
  const Interval across = kCuts[number / 2 % kIntervals], down = kCuts[number / 2 / kIntervals];
  return {across.low, down.low, across.high, down.high, number % 2 == 1};
}

std::array<std::uint64_t, kWindows> hashes_of(const Fingerprint& picture) {
  const Tables& table = tables();
  std::array<std::uint64_t, kWindows> hashes{};
  for (std::size_t cut = 0; cut < kIntervals; ++cut) {
    std::array<std::array<float, kRow>, kFrequencies> columns{};  // the transform along the rows
    for (std::size_t u = 0; u < kFrequencies; ++u)
      for (std::size_t y = 0; y < kRow; ++y) {
        float sum = 0;
        for (std::size_t x = 0; x < kRow; ++x) sum += table.bases[cut][u][x] * picture.grey[y * kRow + x];
        columns[u][y] = sum;
      }
    for (std::size_t down = 0; down < kIntervals; ++down) {
      std::uint64_t hash = 0;
      for (std::size_t bit = 0; bit < kBits; ++bit) {
        const auto [u, v] = table.frequencies[bit];
        float sum = 0;
        for (std::size_t y = 0; y < kRow; ++y) sum += table.bases[down][v][y] * columns[u][y];
        if (sum > 0) hash |= std::uint64_t{1} << bit;
      }
      const std::size_t number = 2 * (down * kIntervals + cut);
      hashes[number] = hash;
      // Mirroring a window that is cut at one end makes the hash of the window mirrored.
      hashes[number + 1] = hash ^ table.odd;
    }
  }
  return hashes;
}

Likeness likeness(const Fingerprint& a, const Window& start, const Fingerprint& b) {
  // With so little in common no move of the window helps; most candidates end here.
  constexpr double kLeastWhole = 0.7, kLeastDetail = 0.35;
  const double beginning = correlation(cut_out(a, start), cut_out(b, {}));
  if (beginning < kLeastWhole) return {beginning, 0, start};
  const Layers other = layers_of(b, {});
  const auto compare = [&](const Window& part) {
    const Layers layers = layers_of(a, part);
    return Likeness{correlation(layers.whole, other.whole), correlation(layers.detail, other.detail), part};
  };
  Likeness best = compare(start);
  constexpr double kFarthest = 0.04;
  const auto allowed = [&](double edge, double first) {
    return edge >= 0 && edge <= 1 && std::abs(edge - first) <= kFarthest + 1e-9;
  };
  for (const double step : {0.02, 0.01, 0.005}) {
    for (bool better = true; better;) {
      better = false;
      for (double Window::*edge : {&Window::left, &Window::right, &Window::top, &Window::bottom})
        for (const double move : {-step, step}) {
          Window part = best.window;
          part.*edge += move;
          if (!allowed(part.*edge, start.*edge)) continue;
          const Likeness moved = compare(part);
          if (moved.whole + moved.detail <= best.whole + best.detail + 1e-4) continue;
          best = moved;
          better = true;
        }
    }
    if (best.detail < kLeastDetail) break;
  }
  return best;
}

}  // namespace tandem::tools
