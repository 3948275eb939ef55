#pragma once
// Element types, and bfloat16 as a storage type.

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

enum class DType : std::uint8_t { f32, bf16, f64, i32, u8 };

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

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// The type in which parameters, statistics, heads and losses live when activations are of type `activation`.
constexpr DType real_type(DType activation) { return activation == DType::f64 ? DType::f64 : DType::f32; }

}  // namespace tandem

template <>
struct fmt::formatter<tandem::DType> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(tandem::DType dtype, Context& context) const {
    return fmt::formatter<std::string_view>::format(tandem::name_of(dtype), context);
  }
};
