#include "weights/content.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <new>
#include <utility>

#include "core/base/utf8.h"

namespace tandem {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers of a file are little endian and not swapped here");

constexpr std::size_t kBeginning = 4096;
constexpr std::size_t kLongest = 200;

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      : path_(path), number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) refuse_file(path_, "cannot open: {}", std::strerror(errno));
    struct stat status {};
    if (::fstat(number_, &status) != 0 || !S_ISREG(status.st_mode)) {
      (void)::close(number_);
      refuse_file(path_, "not a file, expected a file of weights");
    }
    size_ = static_cast<std::size_t>(status.st_size);
  }
  ~Descriptor() { (void)::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  std::size_t size() const { return size_; }

  void read(void* bytes, std::size_t size) const {
    for (auto* to = static_cast<char*>(bytes); size > 0;) {
      const ssize_t count = ::read(number_, to, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) refuse_file(path_, "cannot read: {}", std::strerror(errno));
      if (count == 0) refuse_file(path_, "became shorter while it was read");
      to += count;
      size -= static_cast<std::size_t>(count);
    }
  }

 private:
  const std::filesystem::path& path_;
  int number_;
  std::size_t size_ = 0;
};

}  // namespace

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kLongest));
  while (shown.size() < text.size() && !shown.empty() &&
         (static_cast<unsigned char>(text[shown.size()]) & 0xC0U) == 0x80U)
    shown.pop_back();  // a character that the cut would halve
  const bool utf8 = is_utf8(shown);
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7F || (!utf8 && byte >= 0x80)) c = '?';
  }
  return shown.size() < text.size() ? shown + "..." : shown;
}

FileBeginning::FileBeginning(const std::filesystem::path& path) {
  const Descriptor file(path);
  bytes_.resize(std::min(kBeginning, file.size()));
  file.read(bytes_.data(), bytes_.size());
}

FileContent::FileContent(const std::filesystem::path& path) {
  const Descriptor file(path);
  bytes_.reset(new (std::nothrow) std::byte[file.size()]);  // Not make_unique, which would write zeros first.
  if (!bytes_) refuse_file(path, "{} MiB long, more than there is memory for", file.size() >> 20U);
  size_ = file.size();
  file.read(bytes_.get(), size_);
}

bool count_elements(std::span<const std::int64_t> shape, std::int64_t& count) {
  count = 1;
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return false;
  return true;
}

std::string describe_tensor(std::string_view dtype, std::span<const std::int64_t> shape) {
  return fmt::format("{} ({})", dtype, fmt::join(shape, ", "));
}

}  // namespace tandem
