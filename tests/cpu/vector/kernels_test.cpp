// Every vectorised kernel, for every instruction set that this processor has, against the naive loop, on lengths that
// leave every possible tail.

#include "cpu/vector/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/tensor/dtype.h"
#include "tests/support/catch.h"
#include "tests/support/worst.h"

namespace tandem::cpu {
namespace {

using Bits = std::uint16_t;
using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;

/// Row lengths: every tail of every vector width, and the blocks of 48 and 64 that some kernels work in.
std::vector<std::int64_t> lengths() {
  std::vector<std::int64_t> all;
  for (std::int64_t n = 1; n <= 40; ++n) all.push_back(n);
  for (const std::int64_t n : {47, 48, 49, 63, 64, 65, 96, 97, 127, 128, 130}) all.push_back(n);
  return all;
}

float value_of(float x) { return x; }
float value_of(Bits x) {
  BFloat16 wide;
  wide.bits = x;
  return static_cast<float>(wide);
}
template <class T>
T rounded(double x) {
  if constexpr (std::is_same_v<T, float>)
    return static_cast<float>(x);
  else
    return BFloat16(static_cast<float>(x)).bits;
}

/// n elements, and guards behind them that no kernel may touch.
template <class T>
class Guarded {
 public:
  Guarded(std::int64_t n, T fill) : n_(static_cast<std::size_t>(n)), all_(kLine + n_ + kGuards, fill) {
    std::fill(all_.begin() + static_cast<std::ptrdiff_t>(first() + n_), all_.end(), kGuard);
  }
  /// Begins at a cache line, as tensors do.
  T* data() { return all_.data() + first(); }
  T operator[](std::int64_t i) const { return all_[first() + static_cast<std::size_t>(i)]; }
  bool intact() const {
    for (std::size_t i = first() + n_; i < all_.size(); ++i)
      if (all_[i] != kGuard) return false;
    return true;
  }

 private:
  static constexpr std::size_t kGuards = 64, kLine = 64 / sizeof(T);
  static constexpr T kGuard = T{77};

  std::size_t first() const { return (64 - reinterpret_cast<std::uintptr_t>(all_.data()) % 64) % 64 / sizeof(T); }

  std::size_t n_;
  std::vector<T> all_;
};

/// What an output holds before a kernel overwrites it.
template <class T>
T poison_of() {
  if constexpr (std::is_same_v<T, float>)
    return std::numeric_limits<float>::quiet_NaN();
  else
    return std::numeric_limits<T>::max();  // a NaN for bf16
}
template <class T>
Guarded<T> poisoned(std::int64_t n) {
  return {n, poison_of<T>()};
}

/// Draws inputs of exactly n elements, so that AddressSanitizer sees a read behind the last.
class Draw {
 public:
  explicit Draw(std::int64_t seed) : random_(static_cast<std::uint64_t>(seed), RandomPurpose::test) {}
  template <class T>
  std::vector<T> numbers(std::int64_t n) {
    std::vector<T> x(static_cast<std::size_t>(n));
    for (T& value : x) value = rounded<T>(static_cast<double>(random_.normal()));
    return x;
  }
  /// Mask rows; the bits behind the last channel are random too, and mean nothing.
  Bytes mask(std::int64_t rows, std::int64_t c) {
    Bytes bytes(static_cast<std::size_t>(rows * ((c + 7) / 8)));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_.bits());
    return bytes;
  }
  std::uint32_t below(std::uint32_t n) { return random_.below(n); }

 private:
  Random random_;
};

bool bit(const std::uint8_t* mask, std::int64_t row, std::int64_t c, std::int64_t channels) {
  return mask[row * ((channels + 7) / 8) + c / 8] >> (c % 8) & 1;
}

/// The worst deviation of the elements from those computed in f64, in units of what the type may be off: a few
/// roundings of numbers of the size `scale`, and the last one to T.
template <class T, class Expected>
double worst(const Guarded<T>& got, std::int64_t n, const Expected& expected, double scale = 8) {
  double result = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double want = expected(i), bound = 0x1p-22 * scale + (std::is_same_v<T, float> ? 0 : 0x1p-8 * std::abs(want));
    test::include_worst(result, std::abs(static_cast<double>(value_of(got[i])) - want) / bound);
  }
  return got.intact() ? result : std::numeric_limits<double>::infinity();
}

/// Calls body(table, T{}, rows, c, draw) for every instruction set, both types, and every length.
template <class Body>
void for_all(const Body& body) {
  for (const VectorKernels* kernels : available_kernels())
    for (const std::int64_t c : lengths())
      for (const std::int64_t rows : {1, 6}) {
        Draw draw(c);
        CAPTURE(kernels->isa, c, rows);
        body(kernels->f32, float{}, rows, c, draw);
        body(kernels->bf16, Bits{}, rows, c, draw);
      }
}

}  // namespace

TEST_CASE("Each instruction set has kernels of its own") {
  std::vector<std::string> names;
  for (const VectorKernels* kernels : available_kernels()) names.emplace_back(kernels->isa);
  const std::vector<std::string> all{"baseline", "avx2", "avx512", "avx512_bf16"};
  CHECK(names == std::vector<std::string>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(names.size())));
}

TEST_CASE("TANDEM_CPU_ISA selects the kernels and refuses others") {
  const char* before = std::getenv("TANDEM_CPU_ISA");
  const std::string saved = before ? before : "";
  for (const VectorKernels* kernels : available_kernels()) {
    setenv("TANDEM_CPU_ISA", kernels->isa, 1);
    CHECK(&vector_kernels() == kernels);
  }
  setenv("TANDEM_CPU_ISA", "sse9", 1);
  CHECK_THROWS_AS(vector_kernels(), InputError);
  if (before)
    setenv("TANDEM_CPU_ISA", saved.c_str(), 1);
  else
    unsetenv("TANDEM_CPU_ISA");
}

TEST_CASE("Kernel moments sums about the first row") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const auto x = draw.numbers<T>(rows * c);
    auto shift = poisoned<float>(c), sum = poisoned<float>(c), squares = poisoned<float>(c);
    kernels.moments(x.data(), rows, c, shift.data(), sum.data(), squares.data());
    const auto value = [&](std::int64_t row, std::int64_t i) {
      return static_cast<double>(value_of(x[static_cast<std::size_t>(row * c + i)]));
    };
    const auto total = [&](std::int64_t i, int power) {
      double result = 0;
      for (std::int64_t row = 0; row < rows; ++row) result += std::pow(value(row, i) - value(0, i), power);
      return result;
    };
    CHECK(worst(
              shift, c, [&](std::int64_t i) { return value(0, i); }, 0.5) < 1);
    CHECK(worst(
              sum, c, [&](std::int64_t i) { return total(i, 1); }, 32) < 1);
    CHECK(worst(
              squares, c, [&](std::int64_t i) { return total(i, 2); }, 64) < 1);
  });
}

TEST_CASE("Kernel normalize is an affine map with residual and relu and writes the mask") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const auto x = draw.numbers<T>(rows * c), residual = draw.numbers<T>(rows * c);
    const Floats mean = draw.numbers<float>(c), scale = draw.numbers<float>(c), beta = draw.numbers<float>(c);
    for (const bool with_residual : {false, true})
      for (const bool relu : {false, true})
        for (const int variant : {0, 1, 2, 3}) {
          const bool with_mask = variant % 2, large = variant / 2;
          auto y = poisoned<T>(rows * c);
          auto mask = poisoned<std::uint8_t>(rows * ((c + 7) / 8));
          kernels.normalize(x.data(), with_residual ? residual.data() : nullptr, mean.data(), scale.data(), beta.data(),
                            relu, rows, c, y.data(), relu && with_mask ? mask.data() : nullptr, large);
          const auto before = [&](std::int64_t i) {
            const auto at = static_cast<std::size_t>(i), ch = static_cast<std::size_t>(i % c);
            return (static_cast<double>(value_of(x[at])) - static_cast<double>(mean[ch])) *
                       static_cast<double>(scale[ch]) +
                   static_cast<double>(beta[ch]) + (with_residual ? static_cast<double>(value_of(residual[at])) : 0);
          };
          CAPTURE(with_residual, relu, with_mask, large);
          CHECK(worst(
                    y, rows * c, [&](std::int64_t i) { return relu ? std::max(before(i), 0.0) : before(i); }, 32) < 1);
          if (!(relu && with_mask)) continue;
          int wrong = 0;
          for (std::int64_t i = 0; i < rows * c; ++i)
            wrong += std::abs(before(i)) > 1e-5 && bit(mask.data(), i / c, i % c, c) != (before(i) > 0);
          CHECK(wrong == 0);
          CHECK(mask.intact());
        }
  });
}

TEST_CASE("Kernel normalize may write over the residual") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const auto x = draw.numbers<T>(rows * c);
    auto residual = draw.numbers<T>(rows * c);
    const Floats mean = draw.numbers<float>(c), scale = draw.numbers<float>(c), beta = draw.numbers<float>(c);
    std::vector<T> y(x.size());
    kernels.normalize(x.data(), residual.data(), mean.data(), scale.data(), beta.data(), true, rows, c, y.data(),
                      nullptr, false);
    kernels.normalize(x.data(), residual.data(), mean.data(), scale.data(), beta.data(), true, rows, c, residual.data(),
                      nullptr, false);
    CHECK(residual == y);
  });
}

TEST_CASE("Kernel backward sums adds up masked gradients") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const auto dy = draw.numbers<T>(rows * c), x = draw.numbers<T>(rows * c);
    const Floats mean = draw.numbers<float>(c);
    const Bytes mask = draw.mask(rows, c);
    for (const bool masked : {false, true}) {
      auto sum = poisoned<float>(c), sum_x = poisoned<float>(c);
      kernels.backward_sums(dy.data(), x.data(), masked ? mask.data() : nullptr, mean.data(), rows, c, sum.data(),
                            sum_x.data());
      const auto total = [&](std::int64_t i, bool times_x) {
        double result = 0;
        for (std::int64_t row = 0; row < rows; ++row) {
          if (masked && !bit(mask.data(), row, i, c)) continue;
          const auto at = static_cast<std::size_t>(row * c + i);
          result +=
              static_cast<double>(value_of(dy[at])) *
              (times_x ? static_cast<double>(value_of(x[at])) - static_cast<double>(mean[static_cast<std::size_t>(i)])
                       : 1);
        }
        return result;
      };
      CAPTURE(masked);
      CHECK(worst(
                sum, c, [&](std::int64_t i) { return total(i, false); }, 32) < 1);
      CHECK(worst(
                sum_x, c, [&](std::int64_t i) { return total(i, true); }, 64) < 1);
    }
  });
}

TEST_CASE("Kernel backward apply follows its formula also in place") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const auto dy = draw.numbers<T>(rows * c), x = draw.numbers<T>(rows * c);
    const Floats mean = draw.numbers<float>(c), scale = draw.numbers<float>(c), mean_dy = draw.numbers<float>(c),
                 slope = draw.numbers<float>(c);
    const BatchNormGradient coefficients{mean.data(), scale.data(), mean_dy.data(), slope.data()};
    const Bytes mask = draw.mask(rows, c);
    for (const bool masked : {false, true})
      for (const int variant : {0, 1, 2, 3}) {
        const bool with_residual = variant % 2, large = variant / 2;
        const std::uint8_t* bits = masked ? mask.data() : nullptr;
        auto dx = poisoned<T>(rows * c), dresidual = poisoned<T>(rows * c);
        kernels.backward_apply(dy.data(), x.data(), bits, coefficients, rows, c, dx.data(),
                               with_residual ? dresidual.data() : nullptr, large);
        const auto d = [&](std::int64_t i) {
          return masked && !bit(mask.data(), i / c, i % c, c)
                     ? 0
                     : static_cast<double>(value_of(dy[static_cast<std::size_t>(i)]));
        };
        const auto expected = [&](std::int64_t i) {
          const auto ch = static_cast<std::size_t>(i % c);
          const double centred =
              static_cast<double>(value_of(x[static_cast<std::size_t>(i)])) - static_cast<double>(mean[ch]);
          return static_cast<double>(scale[ch]) *
                 (d(i) - static_cast<double>(mean_dy[ch]) + centred * static_cast<double>(slope[ch]));
        };
        CAPTURE(masked, with_residual, large);
        CHECK(worst(dx, rows * c, expected, 64) < 1);
        int wrong = 0;
        for (std::int64_t i = 0; with_residual && i < rows * c; ++i)
          wrong += static_cast<double>(value_of(dresidual[i])) != d(i);
        CHECK(wrong == 0);
        CHECK(dresidual.intact());

        auto in_place = dy;  // dx over dy, or dresidual over dy
        auto other = poisoned<T>(rows * c);
        if (with_residual)
          kernels.backward_apply(in_place.data(), x.data(), bits, coefficients, rows, c, other.data(), in_place.data(),
                                 false);
        else
          kernels.backward_apply(in_place.data(), x.data(), bits, coefficients, rows, c, in_place.data(), nullptr,
                                 false);
        for (std::int64_t i = 0; i < rows * c; ++i) {
          const T at = in_place[static_cast<std::size_t>(i)];
          wrong += with_residual ? at != dresidual[i] || other[i] != dx[i] : at != dx[i];
        }
        CHECK(wrong == 0);
      }
  });
}

TEST_CASE("Kernels add and relu are exact also in place") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const std::int64_t n = rows * c;
    auto a = draw.numbers<T>(n), b = draw.numbers<T>(n);
    a[0] = rounded<T>(0), b[0] = rounded<T>(0);
    auto sum = poisoned<T>(n), positive = poisoned<T>(n), kept = poisoned<T>(n);
    kernels.add(a.data(), b.data(), n, sum.data());
    kernels.relu_forward(a.data(), n, positive.data());
    kernels.relu_backward(a.data(), b.data(), n, kept.data());
    int wrong = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const float x = value_of(a[static_cast<std::size_t>(i)]), y = value_of(b[static_cast<std::size_t>(i)]);
      wrong += sum[i] != rounded<T>(static_cast<double>(x + y));
      wrong += value_of(positive[i]) != (x > 0 ? x : 0);
      wrong += value_of(kept[i]) != (x > 0 ? y : 0);
    }
    auto in_place = b;
    kernels.relu_backward(a.data(), in_place.data(), n, in_place.data());
    for (std::int64_t i = 0; i < n; ++i) wrong += in_place[static_cast<std::size_t>(i)] != kept[i];
    kernels.add(a.data(), b.data(), n, b.data());
    kernels.relu_forward(a.data(), n, a.data());
    for (std::int64_t i = 0; i < n; ++i)
      wrong += b[static_cast<std::size_t>(i)] != sum[i] || a[static_cast<std::size_t>(i)] != positive[i];
    CHECK(wrong == 0);
    CHECK((sum.intact() && positive.intact() && kept.intact()));
  });
}

TEST_CASE("Kernel relu lets a NaN through") {
  for_all([](const auto& kernels, auto type, std::int64_t, std::int64_t c, Draw&) {
    using T = decltype(type);
    const std::vector<T> x(static_cast<std::size_t>(c), poison_of<T>());
    Guarded<T> y(c, T{0});
    kernels.relu_forward(x.data(), c, y.data());
    int wrong = 0;
    for (std::int64_t i = 0; i < c; ++i) wrong += !std::isnan(value_of(y[i]));
    CHECK(wrong == 0);
  });
}

TEST_CASE("Kernel max pool takes the first of the largest taps") {
  for_all([](const auto& kernels, auto type, std::int64_t, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    for (const int count : {1, 4, 9}) {
      std::vector<std::vector<T>> pixels;
      std::vector<const T*> taps;
      Bytes position;
      for (int tap = 0; tap < count; ++tap) {
        pixels.push_back(draw.numbers<T>(c));
        for (T& x : pixels.back()) x = rounded<T>(static_cast<double>(draw.below(4)) - 6);  // negative, with ties
        position.push_back(static_cast<std::uint8_t>(3 * tap + 1));
      }
      for (const auto& pixel : pixels) taps.push_back(pixel.data());
      auto y = poisoned<T>(c);
      auto argmax = poisoned<std::uint8_t>(c);
      kernels.max_pool(taps.data(), position.data(), count, c, y.data(), argmax.data());
      int wrong = 0;
      for (std::int64_t i = 0; i < c; ++i) {
        std::size_t best = 0;
        for (std::size_t tap = 1; tap < pixels.size(); ++tap)
          if (value_of(taps[tap][i]) > value_of(taps[best][i])) best = tap;
        wrong += y[i] != taps[best][i] || argmax[i] != position[best];
      }
      CAPTURE(count);
      CHECK(wrong == 0);
      CHECK((y.intact() && argmax.intact()));
    }
  });
}

TEST_CASE("Kernel max pool backward sums the windows that a pixel won") {
  for_all([](const auto& kernels, auto type, std::int64_t, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    for (const int count : {0, 1, 4}) {
      std::vector<std::vector<T>> gradients;
      std::vector<Bytes> winners;
      Bytes position;
      for (int window = 0; window < count; ++window) {
        gradients.push_back(draw.numbers<T>(c));
        winners.emplace_back();
        for (std::int64_t i = 0; i < c; ++i) winners.back().push_back(static_cast<std::uint8_t>(draw.below(3)));
        position.push_back(static_cast<std::uint8_t>(draw.below(3)));
      }
      std::vector<const T*> dy;
      std::vector<const std::uint8_t*> argmax;
      for (const auto& gradient : gradients) dy.push_back(gradient.data());
      for (const auto& winner : winners) argmax.push_back(winner.data());
      auto dx = poisoned<T>(c);
      kernels.max_pool_backward(dy.data(), argmax.data(), position.data(), count, c, dx.data());
      const auto expected = [&](std::int64_t i) {
        double sum = 0;
        for (std::size_t w = 0; w < dy.size(); ++w)
          if (argmax[w][i] == position[w]) sum += static_cast<double>(value_of(dy[w][i]));
        return sum;
      };
      CAPTURE(count);
      CHECK(worst(dx, c, expected) < 1);
    }
  });
}

TEST_CASE("Kernels sum rows and broadcast") {
  for_all([](const auto& kernels, auto type, std::int64_t rows, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    const auto x = draw.numbers<T>(rows * c);
    Guarded<float> sum(c, 0.5F);
    kernels.sum_rows(x.data(), rows, c, sum.data());
    const auto expected = [&](std::int64_t i) {
      double total = 0.5;
      for (std::int64_t row = 0; row < rows; ++row)
        total += static_cast<double>(value_of(x[static_cast<std::size_t>(row * c + i)]));
      return total;
    };
    CHECK(worst(sum, c, expected) < 1);

    const Floats value = draw.numbers<float>(c);
    auto y = poisoned<T>(rows * c);
    kernels.broadcast(value.data(), rows, c, y.data());
    int wrong = 0;
    for (std::int64_t i = 0; i < rows * c; ++i)
      wrong += y[i] != rounded<T>(static_cast<double>(value[static_cast<std::size_t>(i % c)]));
    CHECK(wrong == 0);
    CHECK(y.intact());
  });
}

TEST_CASE("Kernel normalize images scales each colour") {
  const float scale[3] = {0.5F, -2, 0.125F}, shift[3] = {1, 2, -3};
  for_all([&](const auto& kernels, auto type, std::int64_t, std::int64_t c, Draw& draw) {
    using T = decltype(type);
    Bytes pixels(static_cast<std::size_t>(3 * c));
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(draw.below(256));
    auto y = poisoned<T>(3 * c);
    kernels.normalize_images(pixels.data(), scale, shift, 3 * c, y.data());
    const auto expected = [&](std::int64_t i) {
      return static_cast<double>(pixels[static_cast<std::size_t>(i)]) * static_cast<double>(scale[i % 3]) +
             static_cast<double>(shift[i % 3]);
    };
    CHECK(worst(y, 3 * c, expected) < 1);
  });
}

TEST_CASE("Kernels narrow and widen round as BFloat16 does") {
  for (const VectorKernels* kernels : available_kernels()) {
    CAPTURE(kernels->isa);
    for (const std::int64_t n : lengths()) {
      Draw draw(n);
      Floats x = draw.numbers<float>(n);
      x.back() = n % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : std::bit_cast<float>(0x7F800001U);
      auto narrow = poisoned<Bits>(n);
      kernels->narrow(x.data(), n, narrow.data());
      Guarded<float> wide(n, 0.0F);
      kernels->widen(narrow.data(), n, wide.data());
      int wrong = !std::isnan(value_of(narrow[n - 1])) + !std::isnan(wide[n - 1]);
      for (std::int64_t i = 0; i + 1 < n; ++i)
        wrong += narrow[i] != BFloat16(x[static_cast<std::size_t>(i)]).bits || wide[i] != value_of(narrow[i]);
      CHECK(wrong == 0);
      CHECK((narrow.intact() && wide.intact()));
    }
    // Ties, carries, infinities, denormals: every upper half with the lower halves around the tie.
    Floats x;
    for (std::uint32_t high = 0; high < 0x10000; ++high)
      for (const std::uint32_t low : {0U, 0x7FFFU, 0x8000U, 0x8001U})
        x.push_back(std::bit_cast<float>(high << 16 | low));
    std::vector<Bits> narrow(x.size());
    kernels->narrow(x.data(), static_cast<std::int64_t>(x.size()), narrow.data());
    int wrong = 0;
    // The processor's own instruction takes denormals for zeros.
    const bool flushes = kernels->isa == std::string("avx512_bf16");
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool denormal = std::fpclassify(x[i]) == FP_SUBNORMAL;
      const float want = flushes && denormal ? std::copysign(0.0F, x[i]) : x[i];
      wrong += std::isnan(x[i]) ? !std::isnan(value_of(narrow[i])) : narrow[i] != BFloat16(want).bits;
    }
    CHECK(wrong == 0);
  }
}

}  // namespace tandem::cpu
