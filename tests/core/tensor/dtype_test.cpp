#include "core/tensor/dtype.h"

#include <cmath>
#include <limits>

#include "core/base/rng.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

float round_to_bf16(float x) { return static_cast<float>(BFloat16(x)); }
float round_to_f16(float x) { return static_cast<float>(Float16(x)); }

/// What binary16 says of a pattern, written out.
double meaning(std::uint32_t bits) {
  const double sign = bits & 0x8000U ? -1 : 1;
  const std::uint32_t exponent = bits >> 10 & 0x1FU, mantissa = bits & 0x3FFU;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, static_cast<int>(exponent) - 25);
}

}  // namespace

TEST_CASE("Every dtype has a name and a size") {
  const struct {
    DType dtype;
    const char* name;
    std::size_t size;
  } rows[] = {{DType::f32, "f32", 4}, {DType::bf16, "bf16", 2}, {DType::f16, "f16", 2},
              {DType::f64, "f64", 8}, {DType::i32, "i32", 4},   {DType::u8, "u8", 1}};
  for (const auto& row : rows) {
    CHECK(fmt::format("{}", row.dtype) == row.name);
    CHECK(size_of(row.dtype) == row.size);
  }
  CHECK(param_dtype(DType::bf16) == DType::f32);
  CHECK(param_dtype(DType::f16) == DType::f32);
  CHECK(param_dtype(DType::f32) == DType::f32);
  CHECK(param_dtype(DType::f64) == DType::f64);
}

TEST_CASE("Every bfloat16 pattern survives the way to float and back") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    BFloat16 x;
    x.bits = static_cast<std::uint16_t>(bits);
    const auto wide = static_cast<float>(x);
    if (std::isnan(wide))
      wrong += !std::isnan(round_to_bf16(wide));  // a signalling NaN may turn quiet
    else
      wrong += BFloat16(wide).bits != bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("Rounding to bfloat16 is to nearest with ties to even") {
  const float infinity = std::numeric_limits<float>::infinity();
  const struct {
    float x, expected;
  } rows[] = {
      {1.0F + 0x1p-8F, 1.0F},                 // a tie: 1 is even
      {1.0F + 0x3p-8F, 1.0F + 0x2p-7F},       // a tie: the upper one is even
      {1.0F + 0x1.0002p-8F, 1.0F + 0x1p-7F},  // just above a tie
      {1.0F + 0x1.FFFCp-9F, 1.0F},            // just below
      {-(1.0F + 0x3p-8F), -(1.0F + 0x2p-7F)},
      {0x1.FFp0F, 2.0F},  // carries into the exponent
      {std::numeric_limits<float>::max(), infinity},
      {infinity, infinity},
      {-infinity, -infinity},
      {std::numeric_limits<float>::denorm_min(), 0.0F},
  };
  for (const auto& row : rows) {
    CAPTURE(row.x);
    CHECK(round_to_bf16(row.x) == row.expected);
  }
  CHECK(std::signbit(round_to_bf16(-0.0F)));
}

TEST_CASE("Rounding to bfloat16 picks the nearer neighbour of random floats") {
  Random random(1, RandomPurpose::test);
  int wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto word = random.bits();
    const auto x = std::bit_cast<float>(word);
    if (!std::isfinite(x) || (word & 0x7F800000U) == 0x7F000000U) continue;  // no neighbour above the largest
    const auto below = std::bit_cast<float>(word & 0xFFFF0000U),
               above = std::bit_cast<float>((word & 0xFFFF0000U) + 0x10000U);
    const double to_below = std::abs(double{x} - double{below}), to_above = std::abs(double{above} - double{x});
    const float rounded = round_to_bf16(x);
    wrong += to_below < to_above ? rounded != below : to_above < to_below && rounded != above;
  }
  CHECK(wrong == 0);
}

TEST_CASE("A NaN stays a NaN in bfloat16") {
  // The last one's payload lies in the bits that are cut off; rounding it as a number would overflow to zero or
  // infinity.
  for (const std::uint32_t word : {0x7FC00000U, 0xFFC00000U, 0x7FFFFFFFU, 0xFFFFFFFFU, 0x7F800001U})
    CHECK(std::isnan(round_to_bf16(std::bit_cast<float>(word))));
}

TEST_CASE("Every half-precision pattern means what the standard says, and survives the way back") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Float16 x;
    x.bits = static_cast<std::uint16_t>(bits);
    const auto wide = static_cast<float>(x);
    if (std::isnan(meaning(bits)))
      wrong += !std::isnan(wide) || !std::isnan(round_to_f16(wide));
    else
      wrong += static_cast<double>(wide) != meaning(bits) || Float16(wide).bits != bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("Rounding to half precision picks the nearer neighbour, of two equally near the even one") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {  // up to the largest but one
    const double low = meaning(bits), high = meaning(bits + 1), middle = (low + high) / 2;
    const double even = bits % 2 == 0 ? low : high;
    const auto at = static_cast<float>(middle);
    wrong += static_cast<double>(round_to_f16(at)) != even || static_cast<double>(round_to_f16(-at)) != -even;
    wrong += static_cast<double>(round_to_f16(std::nextafter(at, 0.0F))) != low;
    wrong += static_cast<double>(round_to_f16(std::nextafter(at, 1e6F))) != high;
  }
  CHECK(wrong == 0);
}

TEST_CASE("What is too large for half precision becomes infinite, what is too small zero") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(round_to_f16(65519.99F) == 65504.0F);
  CHECK(round_to_f16(65520.0F) == infinity);
  CHECK(round_to_f16(-1e30F) == -infinity);
  CHECK(round_to_f16(infinity) == infinity);
  CHECK(round_to_f16(0x1p-25F) == 0.0F);
  CHECK(round_to_f16(0x1.0002p-25F) == 0x1p-24F);
  CHECK(std::signbit(round_to_f16(-0.0F)));
  for (const std::uint32_t word : {0x7FC00000U, 0xFFFFFFFFU, 0x7F800001U})
    CHECK(std::isnan(round_to_f16(std::bit_cast<float>(word))));
}

}  // namespace tandem
