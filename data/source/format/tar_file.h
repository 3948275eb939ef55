#pragma once
// Tar archives (ustar, pax, GNU), read in place and written.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/source/format/data_file.h"
#include "io/atomic_file.h"

namespace tandem {

/// A file in an archive.
struct TarMember {
  std::string name;
  std::uint64_t begin, bytes;  ///< where its content is
};

/// Whether a file begins as a tar archive.
bool is_tar(const std::filesystem::path& path);

/// The files of an archive, in their order; folders are left out. InputError, with the byte, for one that is damaged,
/// cut short, has no end, holds links or sparse files, or goes on behind its end.
std::vector<TarMember> read_tar(const DataFile& file);

/// Writes an archive (ustar), which says nothing of time, owner or machine.
class TarWriter {
 public:
  /// Begins the file. Error if that fails.
  explicit TarWriter(const std::filesystem::path& path) : file_(path) {}
  /// A name has at most 100 bytes, a file fewer than 2^33.
  void add(const std::string& name, std::span<const std::uint8_t> content);
  /// Ends the file, which appears now. Call once, last.
  void commit();

 private:
  AtomicFile file_;
};

}  // namespace tandem
