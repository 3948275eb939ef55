#pragma once
// Arrays as the kernels see a device's: guarded at both ends and poisoned, at addresses that may be misaligned.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/tensor/dtype.h"
#include "cuda/kernels/support/queue.h"
#include "tests/support/catch.h"

namespace tandem::test {

using cuda::kernels::Element;
using Floats = std::vector<float>;

inline std::size_t size_of(Element element) { return element == Element::f32 ? 4 : 2; }
inline const char* name_of(Element element) {
  return element == Element::f32 ? "f32" : element == Element::bf16 ? "bf16" : "f16";
}
/// The value as an element of that type holds it.
inline float rounded(Element element, float value) {
  if (element == Element::f32) return value;
  return element == Element::bf16 ? static_cast<float>(BFloat16(value)) : static_cast<float>(Float16(value));
}

/// Memory full of NaNs (255 as bytes), aligned to 256 bytes or `offset` bytes behind that, with guards of 4 KiB.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t bytes, std::size_t offset = 0)
      : bytes_(bytes), all_(bytes + offset + 2 * kGuard + kAlignment, kPoison) {
    const auto address = reinterpret_cast<std::uintptr_t>(all_.data());
    begin_ = (address + kGuard + kAlignment - 1) / kAlignment * kAlignment - address + offset;
  }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  void* address() { return all_.data() + begin_; }
  const void* address() const { return all_.data() + begin_; }
  std::size_t bytes() const { return bytes_; }
  /// Whether nothing was written in front of the memory or behind it.
  bool intact() const {
    for (std::size_t i = 0; i < all_.size(); ++i)
      if ((i < begin_ || i >= begin_ + bytes_) && all_[i] != kPoison) return false;
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 4096, kAlignment = 256;
  static constexpr unsigned char kPoison = 0xFF;

  std::size_t bytes_, begin_ = 0;
  std::vector<unsigned char> all_;
};

template <class... Memory>
void check_intact(const Memory&... memory) {
  const bool intact[] = {memory.intact()...};
  for (std::size_t i = 0; i < sizeof...(Memory); ++i) {
    INFO("array " << i);
    CHECK(intact[i]);
  }
}

/// `size` elements, `shift` elements behind an aligned address.
template <class T>
class Array : public GuardedMemory {
 public:
  explicit Array(std::int64_t size, std::int64_t shift = 0)
      : GuardedMemory(static_cast<std::size_t>(size) * sizeof(T), static_cast<std::size_t>(shift) * sizeof(T)) {}
  explicit Array(const std::vector<T>& values, std::int64_t shift = 0)
      : Array(static_cast<std::int64_t>(values.size()), shift) {
    std::memcpy(address(), values.data(), bytes());
  }
  T* data() { return static_cast<T*>(address()); }
  std::vector<T> values() const {
    const auto* const first = static_cast<const T*>(address());
    return {first, first + bytes() / sizeof(T)};
  }
};

/// The same with elements of a type known when the test runs.
class Activations : public GuardedMemory {
 public:
  Activations(Element element, std::int64_t size, std::int64_t shift = 0)
      : GuardedMemory(static_cast<std::size_t>(size) * size_of(element),
                      static_cast<std::size_t>(shift) * size_of(element)),
        element_(element) {}
  Activations(Element element, const Floats& values, std::int64_t shift = 0)
      : Activations(element, static_cast<std::int64_t>(values.size()), shift) {
    if (element == Element::f32)
      store<float>(values);
    else if (element == Element::bf16)
      store<BFloat16>(values);
    else
      store<Float16>(values);
  }
  Floats values() const {
    if (element_ == Element::f32) return load<float>();
    return element_ == Element::bf16 ? load<BFloat16>() : load<Float16>();
  }

 private:
  template <class T>
  void store(const Floats& values) {
    auto* to = static_cast<T*>(address());
    for (const float value : values) *to++ = static_cast<T>(value);
  }
  template <class T>
  Floats load() const {
    const auto* const from = static_cast<const T*>(address());
    Floats values(bytes() / sizeof(T));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(from[i]);
    return values;
  }

  Element element_;
};

}  // namespace tandem::test
