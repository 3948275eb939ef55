#pragma once
// Element types, and the two 16-bit floating-point formats as storage types.

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace tandem {

enum class DType : std::uint8_t { f32, bf16, f64, i32, u8, f16 };

std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);

/// The upper half of an f32: 8 exponent bits, 7 mantissa bits. Storage only; arithmetic is done in f32.
struct BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  /// Rounds to nearest, ties to even; NaN stays NaN.
  explicit BFloat16(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const bool nan = (word & 0x7FFFFFFFU) > 0x7F800000U;
    bits = static_cast<std::uint16_t>(nan ? (word >> 16 | 0x40U) : (word + 0x7FFFU + (word >> 16 & 1U)) >> 16);
  }
  explicit operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

/// IEEE 754's binary16: 5 exponent bits, 10 mantissa bits. Storage only; arithmetic is done in f32.
struct Float16 {
  std::uint16_t bits = 0;

  Float16() = default;
  /// Rounds to nearest, ties to even; too large becomes infinite, NaN stays NaN.
  explicit Float16(float value);
  explicit operator float() const;
};

/// The DType of a C++ type.
template <class T>
inline constexpr DType dtype_of = [] {  // NOLINT(readability-identifier-naming): read as a function of T
  if constexpr (std::is_same_v<T, float>) {
    return DType::f32;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return DType::bf16;
  } else if constexpr (std::is_same_v<T, Float16>) {
    return DType::f16;
  } else if constexpr (std::is_same_v<T, double>) {
    return DType::f64;
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    return DType::i32;
  } else {
    static_assert(std::is_same_v<T, std::uint8_t>, "not an element type");
    return DType::u8;
  }
}();

/// The type in which parameters, statistics, heads and losses live when activations are of type `activation`.
constexpr DType param_dtype(DType activation) { return activation == DType::f64 ? DType::f64 : DType::f32; }
/// Whether it is such a type: f32 or f64.
constexpr bool is_real(DType dtype) { return dtype == param_dtype(dtype); }

}  // namespace tandem

template <>
struct fmt::formatter<tandem::DType> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(tandem::DType dtype, Context& context) const {
    return fmt::formatter<std::string_view>::format(tandem::name_of(dtype), context);
  }
};
