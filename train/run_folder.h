#pragma once
// A run's folder: config.json, metrics.jsonl and the checkpoints.

#include <filesystem>
#include <functional>
#include <string_view>

namespace tandem {

class RunFolder {
 public:
  /// Makes the folder and proves that it can be written: InputError if not. `keep`: how many numbered checkpoints stay.
  RunFolder(std::filesystem::path folder, int keep);

  std::filesystem::path last() const { return checkpoints() / "last.safetensors"; }
  std::filesystem::path best() const { return checkpoints() / "best.safetensors"; }
  std::filesystem::path metrics() const { return folder_ / "metrics.jsonl"; }
  bool has_checkpoint() const;

  void write_config(std::string_view json) const;
  /// After last() was written: gives the same file the name best(), without writing it again.
  void mark_best() const { share(best()); }
  /// After last() was written: keeps it as step-<step>.safetensors, and removes the oldest beyond `keep`.
  void keep_numbered(std::int64_t step) const;

 private:
  std::filesystem::path checkpoints() const { return folder_ / "checkpoints"; }
  void share(const std::filesystem::path& name) const;

  std::filesystem::path folder_;
  int keep_;
};

}  // namespace tandem
