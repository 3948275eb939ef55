#pragma once
// Reading the bytes of somebody else's file, and refusing it in one printable line.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/error.h"

namespace tandem {

/// Text of a file as it may be shown: control characters, and bytes that are no UTF-8, become "?"; what is longer than
/// 200 bytes is cut.
std::string printable(std::string_view text);

/// Throws InputError: "PATH: message", whatever the message quotes from the file.
template <class... Args>
[[noreturn]] void refuse_file(const std::filesystem::path& path, fmt::format_string<Args...> format, Args&&... args) {
  fail_input("{}: {}", path.string(), printable(fmt::format(format, std::forward<Args>(args)...)));
}

/// A file's first bytes, by which its format is told.
class FileBeginning {
 public:
  /// InputError for what is not a file or cannot be opened.
  explicit FileBeginning(const std::filesystem::path& path);
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// A whole file in memory.
class FileContent {
 public:
  /// InputError for a file that cannot be read, or that is larger than the memory.
  explicit FileContent(const std::filesystem::path& path);
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

/// A number, little endian, at `offset`; the caller has checked that it is there.
template <class T>
T read_number(std::span<const std::byte> bytes, std::size_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The product of the sizes, 1 for none; false if one is negative or it exceeds an i64.
bool count_elements(std::span<const std::int64_t> shape, std::int64_t& count);

/// "F32 (64, 3, 7, 7)".
std::string describe_tensor(std::string_view dtype, std::span<const std::int64_t> shape);

}  // namespace tandem
