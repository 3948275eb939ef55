#pragma once
// A run's folder: config.json, metrics.jsonl and the checkpoints.

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace tandem {

/// While it lives, no other process holds a lock on the folder. The lock is on the file ".lock" in it, which stays
/// behind, and is gone when the process ends, however it ends.
class FolderLock {
 public:
  /// InputError if another holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

class RunFolder {
 public:
  /// Makes the folder, checks that it can be written, and keeps other runs out of it; InputError if that fails. `keep`:
  /// how many numbered checkpoints are kept.
  RunFolder(const std::filesystem::path& folder, int keep);

  /// Where a checkpoint is written first, before mark_best(), keep_numbered() and mark_last() give it its names.
  std::filesystem::path next() const { return checkpoints() / "next.safetensors"; }
  std::filesystem::path last() const { return last_in(folder_); }
  static std::filesystem::path last_in(const std::filesystem::path& folder) {
    return folder / "checkpoints" / "last.safetensors";
  }
  std::filesystem::path best() const { return checkpoints() / "best.safetensors"; }
  std::filesystem::path metrics() const { return folder_ / "metrics.jsonl"; }
  bool has_checkpoint() const;

  void write_config(std::string_view json) const;
  /// Gives next() the name best() as well, without writing it again.
  void mark_best() const { share(best()); }
  /// Keeps next() as step-<step>.safetensors as well. Of those, only the `keep` latest stay: the others are removed,
  /// but never this one, and no file with a name of another kind.
  void keep_numbered(std::int64_t step) const;
  /// Renames next() to last(). Call it last: a run that is killed before that resumes from the earlier checkpoint, and
  /// gives the other names again.
  void mark_last() const;

 private:
  std::filesystem::path checkpoints() const { return folder_ / "checkpoints"; }
  void share(const std::filesystem::path& name) const;

  std::filesystem::path folder_;
  FolderLock lock_;
  int keep_;
};

}  // namespace tandem
