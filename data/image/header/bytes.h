#pragma once
// Reading a file's bytes as numbers and texts.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tandem {

/// A file's bytes, or a part of them; reading past the end gives zeros.
class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> data) : data_(data) {}
  std::size_t size() const { return data_.size(); }
  std::span<const std::uint8_t> data() const { return data_; }
  std::uint32_t u8(std::size_t at) const { return at < data_.size() ? data_[at] : 0; }
  std::uint32_t big16(std::size_t at) const { return u8(at) << 8 | u8(at + 1); }
  std::uint32_t big32(std::size_t at) const { return big16(at) << 16 | big16(at + 2); }
  std::uint32_t little16(std::size_t at) const { return u8(at) | u8(at + 1) << 8; }
  std::uint32_t little24(std::size_t at) const { return little16(at) | u8(at + 2) << 16; }
  std::uint32_t little32(std::size_t at) const { return little16(at) | little16(at + 2) << 16; }
  bool text(std::size_t at, std::string_view expected) const {
    return at <= data_.size() && expected.size() <= data_.size() - at &&
           std::memcmp(data_.data() + at, expected.data(), expected.size()) == 0;
  }
  /// The position of the next byte of this value, or size().
  std::size_t find(std::uint8_t value, std::size_t from) const {
    if (from >= data_.size()) return data_.size();
    const void* found = std::memchr(data_.data() + from, value, data_.size() - from);
    return found == nullptr ? data_.size()
                            : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - data_.data());
  }
  /// The `length` bytes from `at` on, or as many of them as there are.
  Bytes part(std::size_t at, std::size_t length) const {
    at = at < data_.size() ? at : data_.size();
    return Bytes(data_.subspan(at, length < data_.size() - at ? length : data_.size() - at));
  }

 private:
  std::span<const std::uint8_t> data_;
};

}  // namespace tandem
