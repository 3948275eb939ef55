#include "io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace tandem {

namespace {

constexpr std::string_view kMark = ".tandem-", kEnd = ".tmp", kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kRandomLetters = 6;

/// A name for a temporary; two calls hardly ever make the same one.
std::filesystem::path temporary_for(const std::filesystem::path& path) {
  std::random_device random;
  std::string name = path.string() + std::string(kMark);
  for (std::size_t i = 0; i < kRandomLetters; ++i) name += kLetters[random() % kLetters.size()];
  return name + std::string(kEnd);
}

bool is_temporary(std::string_view name) {
  constexpr std::size_t kTail = kMark.size() + kRandomLetters + kEnd.size();
  if (name.size() <= kTail || !name.ends_with(kEnd)) return false;
  name.remove_prefix(name.size() - kTail);
  return name.starts_with(kMark) &&
         name.substr(kMark.size(), kRandomLetters).find_first_not_of(kLetters) == std::string_view::npos;
}

/// Calls make(name) with one name for a temporary after the other, until it does not fail because there is such a file.
/// Returns the last name; `make` returns false, with errno, if it fails.
template <class Make>
std::filesystem::path try_names(const std::filesystem::path& path, const Make& make) {
  std::filesystem::path name = temporary_for(path);
  for (int tries = 0; !make(name) && errno == EEXIST && tries < 100; ++tries) name = temporary_for(path);
  return name;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  temporary_ = try_names(path_, [this](const std::filesystem::path& name) {
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file_ >= 0;
  });
  if (file_ >= 0) return;
  const int error = errno;
  fail("{}: cannot create a file beside it: {}", path_.string(), std::strerror(error));
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) (void)::close(file_);
  if (!temporary_.empty()) (void)::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_write("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_write("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void AtomicFile::commit() {
  if (!sync_file(file_)) fail_write("write");
  if (::close(std::exchange(file_, -1)) != 0) fail_write("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write("rename");
  temporary_.clear();
  sync_folder(path_.parent_path());
}

void AtomicFile::fail_write(const char* doing) const {
  const int error = errno;  // Before anything else changes it.
  fail("{}: cannot {}: {}", path_.string(), doing, std::strerror(error));
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void copy_file_atomically(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::ifstream in(from, std::ios::binary);
  AtomicFile out(to);
  std::vector<char> piece(std::size_t{1} << 20);
  do {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    out.write(std::string_view(piece.data(), static_cast<std::size_t>(in.gcount())));
  } while (in);
  if (!in.eof()) fail("{}: cannot read: {}", from.string(), std::strerror(errno));
  out.commit();
}

void link_file_atomically(const std::filesystem::path& from, const std::filesystem::path& to) {
  bool linked = false;
  const std::filesystem::path temporary = try_names(to, [&](const std::filesystem::path& name) {
    linked = ::link(from.c_str(), name.c_str()) == 0;
    return linked;
  });
  if (!linked) return copy_file_atomically(from, to);
  const bool renamed = ::rename(temporary.c_str(), to.c_str()) == 0;
  const int error = errno;
  (void)::unlink(temporary.c_str());  // It stays where both names were the same file's already.
  if (!renamed) fail("{}: cannot rename: {}", to.string(), std::strerror(error));
  sync_folder(to.parent_path());
}

void remove_temporaries(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (is_temporary(entry->path().filename().string())) (void)::unlink(entry->path().c_str());
}

bool sync_file(int file) {
  const auto unknown_there = [] {
    return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP || errno == EOPNOTSUPP;
  };
  return ::fsync(file) == 0 || unknown_there();
}

void sync_folder(const std::filesystem::path& folder) {
  const int file = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  (void)::fsync(file);
  (void)::close(file);
}

void require_writable_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail_input("{}: cannot make the folder: {}", folder.string(), error.message());
  if (!std::filesystem::is_directory(folder, error)) fail_input("{}: is not a folder", folder.string());
  // Only writing shows that writing works: permissions say nothing of read-only file systems and quotas.
  std::string probe = (folder / ".writable-XXXXXX").string();
  const int file = ::mkstemp(probe.data());
  if (file < 0) fail_input("{}: cannot write to the folder: {}", folder.string(), std::strerror(errno));
  (void)::close(file);
  (void)::unlink(probe.c_str());
}

void check_writable_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::path there = std::filesystem::absolute(folder, error);
  bool exists = true;
  while (!std::filesystem::exists(there, error) && there != there.parent_path()) {
    there = there.parent_path();
    exists = false;
  }
  if (::access((there / ".").c_str(), W_OK | X_OK) == 0) return;
  fail_input("{}: cannot {} the folder: {}", folder.string(), exists ? "write to" : "make", std::strerror(errno));
}

}  // namespace tandem
