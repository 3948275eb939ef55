#pragma once
// A zip archive in memory, as torch.save writes one: its entries are stored, not compressed.

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tandem {

/// Views the archive's bytes, which must outlive it.
class ZipArchive {
 public:
  using Entries = std::map<std::string, std::span<const std::byte>, std::less<>>;

  /// InputError, naming `path`, for an archive that is damaged, encrypted or compressed. Zip64 is read. Checksums are
  /// not verified: PyTorch does not verify them either, and may leave them out.
  ZipArchive(const std::filesystem::path& path, std::span<const std::byte> bytes);

  const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};

}  // namespace tandem
