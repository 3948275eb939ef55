#include "data/source/format/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "core/base/error.h"

namespace tandem {

DataFile::DataFile(std::filesystem::path path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (file_ < 0 || ::fstat(file_, &status) != 0) {
    const int error = errno;
    if (file_ >= 0) (void)::close(file_);
    fail_input("{}: cannot read the file: {}", path_.string(), std::strerror(error));
  }
  size_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
}

DataFile::DataFile(DataFile&& other) noexcept
    : path_(std::move(other.path_)),
      size_(other.size_),
      file_(std::exchange(other.file_, -1)),
      unpacked_(std::move(other.unpacked_)) {}

DataFile::~DataFile() {
  if (file_ >= 0) (void)::close(file_);
}

DataFile DataFile::unpack(const std::filesystem::path& path, std::uint64_t most, bool head_only) {
  struct Close {
    void operator()(gzFile file) const { (void)gzclose(file); }
  };
  const std::unique_ptr<std::remove_pointer_t<gzFile>, Close> packed(gzopen(path.c_str(), "rb"));
  if (!packed) fail_input("{}: cannot read the file: {}", path.string(), std::strerror(errno));
  DataFile file;
  file.path_ = path;
  std::vector<std::uint8_t> part(static_cast<std::size_t>(std::clamp<std::uint64_t>(most, 1, 1U << 16)));
  for (;;) {
    const int read = gzread(packed.get(), part.data(), static_cast<unsigned>(part.size()));
    int error = Z_OK;
    const char* why = gzerror(packed.get(), &error);
    // A file that is cut short is told of only here and where it is closed.
    if (read < 0 || error != Z_OK) fail_input("{}: damaged gzip file: {}", path.string(), why);
    if (read == 0) break;
    file.unpacked_.insert(file.unpacked_.end(), part.begin(), part.begin() + read);
    if (head_only && file.unpacked_.size() >= most) break;
    if (file.unpacked_.size() > most) fail_input("{}: unpacked, more than {} bytes", path.string(), most);
  }
  file.size_ = file.unpacked_.size();
  return file;
}

bool DataFile::try_read(std::uint64_t from, std::span<std::uint8_t> bytes) const {
  if (from > size_ || bytes.size() > size_ - from) return false;
  if (file_ < 0) {
    std::copy_n(unpacked_.begin() + static_cast<std::ptrdiff_t>(from), bytes.size(), bytes.begin());
    return true;
  }
  while (!bytes.empty()) {
    const ssize_t read = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(from));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(read));
    from += static_cast<std::uint64_t>(read);
  }
  return true;
}

void DataFile::read(std::uint64_t from, std::span<std::uint8_t> bytes) const {
  errno = 0;
  if (try_read(from, bytes)) return;
  const int error = errno;
  fail_input("{}: cannot read {} bytes at byte {}: {}", path_.string(), bytes.size(), from,
             error == 0 ? "the file has become shorter" : std::strerror(error));
}

std::vector<std::uint8_t> DataFile::piece(std::uint64_t from, std::uint64_t size) const {
  std::vector<std::uint8_t> bytes;
  try {
    bytes.resize(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    fail("{}: not enough memory to read {} bytes at byte {}", path_.string(), size, from);
  }
  read(from, bytes);
  return bytes;
}

}  // namespace tandem
