#include "train/checkpoint/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// The step in "step-<digits>.safetensors"; nothing for another name, whose file is not ours.
std::optional<std::uint64_t> step_in(std::string_view name) {
  constexpr std::string_view kBefore = "step-", kAfter = ".safetensors";
  if (!name.starts_with(kBefore)) return {};
  name.remove_prefix(kBefore.size());
  std::uint64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  name.remove_prefix(static_cast<std::size_t>(end - name.data()));
  if (error != std::errc() || name != kAfter) return {};
  return step;
}

fs::path make_writable(const fs::path& folder) {
  require_writable_folder(folder / "checkpoints");
  return folder;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) fail_input("{}: cannot open: {}", path.string(), std::strerror(errno));
  // Some file systems have no locks; there, other runs are not kept out.
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  (void)::close(file_);
  fail_input("{}: another tandem-train writes here", folder.string());
}

FolderLock::~FolderLock() { (void)::close(file_); }

RunFolder::RunFolder(const fs::path& folder, int keep) : folder_(make_writable(folder)), lock_(folder), keep_(keep) {
  for (const fs::path& written : {folder_, checkpoints()}) remove_temporaries(written);
}

bool RunFolder::has_checkpoint() const { return fs::exists(last()); }

void RunFolder::write_config(std::string_view json) const { write_file_atomically(folder_ / "config.json", json); }

fs::path RunFolder::numbered(std::int64_t step) const {
  return checkpoints() / fmt::format("step-{:08}.safetensors", step);
}

/// Checkpoints are replaced, never changed, so two names can share one file.
void RunFolder::share(const fs::path& name) const {
  // Before its first "last", a run that is killed would leave checkpoints that nothing can be resumed from.
  if (!has_checkpoint()) link_file_atomically(next(), last());
  link_file_atomically(next(), name);
}

void RunFolder::keep_numbered(std::int64_t step) const {
  if (keep_ > 0) share(numbered(step));
}

std::string RunFolder::remove_old(std::int64_t step) const {
  std::error_code error;
  std::vector<std::pair<std::uint64_t, fs::path>> found;
  for (auto entry = fs::directory_iterator(checkpoints(), error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (const auto number = step_in(entry->path().filename().string())) found.emplace_back(*number, entry->path());
  if (error) return fmt::format("{}: cannot be listed: {}", checkpoints().string(), error.message());
  std::sort(found.begin(), found.end());
  // A new run in the folder of an earlier one has done fewer steps than that one's files say: its newest one stays.
  if (keep_ > 0) std::erase_if(found, [&](const auto& one) { return one.second == numbered(step); });
  const auto others = static_cast<std::size_t>(std::max(keep_ - 1, 0));
  std::string problem;
  for (std::size_t i = 0; i + others < found.size(); ++i)
    if (!fs::remove(found[i].second, error) && error)
      problem = fmt::format("{}: an old checkpoint cannot be removed: {}", found[i].second.string(), error.message());
  return problem;
}

std::optional<fs::path> RunFolder::stray_checkpoint_in(const fs::path& folder) {
  if (fs::exists(last_in(folder))) return {};
  std::error_code error;
  for (auto entry = fs::directory_iterator(last_in(folder).parent_path(), error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code unknown;
    if ((name == "best.safetensors" || step_in(name)) && entry->is_regular_file(unknown)) return entry->path();
  }
  return {};
}

void RunFolder::mark_last() const {
  std::error_code error;
  fs::rename(next(), last(), error);
  if (error) fail("{}: cannot be written: {}", last().string(), error.message());
  sync_folder(checkpoints());
}

}  // namespace tandem
