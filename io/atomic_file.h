#pragma once
// Files that appear whole or not at all, also when the process is killed, the disk is full or the power fails.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace tandem {

/// Writes to a new file beside `path`, called `path`.tandem-XXXXXX.tmp with six random letters or digits, which
/// commit() renames to `path`. Until then an earlier file at `path` is untouched. Of several that write the same path
/// at once, in one process or in many, the last to commit wins whole. Every failure of the system is an Error that
/// names the file.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Removes the temporary file unless committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Replaces bytes that have been written; write() goes on where it was.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);

  /// Brings the content to the disk, gives the file its name, and brings the name to the disk. Call once, last.
  void commit();

 private:
  [[noreturn]] void fail_write(const char* doing) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int file_ = -1;
};

/// AtomicFile in one call.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// A copy that appears at `to` whole or not at all.
void copy_file_atomically(const std::filesystem::path& from, const std::filesystem::path& to);

/// Another name, `to`, for the file `from`, whose content is on the disk: a hard link, or a copy on file systems
/// without them. A file that was called `to` before is replaced whole.
void link_file_atomically(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes the temporaries that writers which were killed have left in a folder. Nobody else may write there.
void remove_temporaries(const std::filesystem::path& folder);

/// Brings an open file's content to the disk; false, with errno, if it is not there. A file system that does not know
/// how (EINVAL, ENOSYS, ENOTSUP) has done what it can: true.
bool sync_file(int file);

/// Brings a folder's entries to the disk, after a rename that must last. Not every file system can; where it cannot,
/// the rename is as safe as it gets.
void sync_folder(const std::filesystem::path& folder);

/// Makes `folder`, and those above it, and proves that a file can be written in it: InputError if not.
void require_writable_folder(const std::filesystem::path& folder);

/// What require_writable_folder() would refuse, as far as that can be told without writing anything.
void check_writable_folder(const std::filesystem::path& folder);

}  // namespace tandem
