#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "train/atomic_file.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

fs::path make_writable(const fs::path& folder) {
  require_writable_folder(folder / "checkpoints");
  return folder;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) fail_input("{}: cannot open: {}", path.string(), std::strerror(errno));
  // Some file systems have no locks; on these nobody is kept away.
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  (void)::close(file_);
  fail_input("{}: another tandem-train writes here", folder.string());
}

FolderLock::~FolderLock() { (void)::close(file_); }

RunFolder::RunFolder(const fs::path& folder, int keep) : folder_(make_writable(folder)), lock_(folder), keep_(keep) {}

bool RunFolder::has_checkpoint() const { return fs::exists(last()); }

void RunFolder::write_config(std::string_view json) const { write_file_atomically(folder_ / "config.json", json); }

/// Checkpoints are replaced, never changed, so two names can share one file: a hard link, or a copy on file systems
/// without them.
void RunFolder::share(const fs::path& name) const {
  const fs::path temporary = name.string() + ".tmp";
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(next(), temporary, error);
  if (error) return copy_file_atomically(next(), name);
  fs::rename(temporary, name, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail("{}: cannot be written: {}", name.string(), error.message());
  }
  sync_folder(checkpoints());
}

void RunFolder::keep_numbered(std::int64_t step) const {
  if (keep_ > 0) share(checkpoints() / fmt::format("step-{:08}.safetensors", step));
  std::vector<fs::path> numbered;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) numbered.push_back(entry.path());
  }
  std::sort(numbered.begin(), numbered.end());
  const auto surplus = static_cast<std::ptrdiff_t>(numbered.size()) - keep_;
  for (std::ptrdiff_t i = 0; i < surplus; ++i) fs::remove(numbered[static_cast<std::size_t>(i)]);
}

void RunFolder::mark_last() const {
  std::error_code error;
  fs::rename(next(), last(), error);
  if (error) fail("{}: cannot be written: {}", last().string(), error.message());
  sync_folder(checkpoints());
}

}  // namespace tandem
