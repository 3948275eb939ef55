#pragma once
// A file that holds many images, read in place.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tandem {

/// An open file, or the unpacked content of one. Threads may read it at once.
class DataFile {
 public:
  /// Opens a file to be read in place. InputError if that fails.
  explicit DataFile(std::filesystem::path path);
  /// Unpacks a gzip file into memory. InputError if it is damaged, or holds more than `most` bytes; with `head_only` no
  /// more are unpacked.
  static DataFile unpack(const std::filesystem::path& path, std::uint64_t most, bool head_only = false);
  ~DataFile();
  DataFile(DataFile&& other) noexcept;
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  DataFile& operator=(DataFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  /// The bytes from one on; false if they are not all there, or cannot be read.
  bool try_read(std::uint64_t from, std::span<std::uint8_t> bytes) const;
  /// The same; InputError if that fails.
  void read(std::uint64_t from, std::span<std::uint8_t> bytes) const;
  /// A piece that lies within the file. InputError if it cannot be read, Error if memory does not suffice.
  std::vector<std::uint8_t> piece(std::uint64_t from, std::uint64_t size) const;

 private:
  DataFile() = default;

  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int file_ = -1;  // -1: unpacked
  std::vector<std::uint8_t> unpacked_;
};

}  // namespace tandem
