#include "io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace tandem {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_.string() + ".tmp") {
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail_write("create");
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

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail_write("write");
  if (::close(std::exchange(file_, -1)) != 0) fail_write("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write("rename");
  temporary_.clear();
  sync_folder(path_.parent_path());
}

void AtomicFile::fail_write(const char* doing) const {
  const int error = errno;  // Before anything else changes it.
  fail("{}: cannot {} {}: {}", path_.string(), doing, temporary_.filename().string(), std::strerror(error));
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
