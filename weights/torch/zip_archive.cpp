#include "weights/torch/zip_archive.h"

#include <cstdint>
#include <limits>

#include "weights/content.h"

namespace tandem {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // "see the zip64 field"
constexpr std::uint64_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46, kLocalSize = 30;
constexpr std::uint64_t kLongestComment = 0xFFFF;

/// An entry as the central directory describes it.
struct Described {
  std::string name;
  std::uint64_t size = 0, packed = 0, local = 0;
  std::uint16_t flags = 0, method = 0;
};

class ZipReader {
 public:
  ZipReader(const std::filesystem::path& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  void read(ZipArchive::Entries& entries) const {
    const Directory directory = find_directory();
    std::uint64_t at = directory.offset, total = 0;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
      const Described entry = describe(at);
      const auto data = data_of(entry);
      total += data.size();
      if (total > bytes_.size()) damaged("its entries overlap");
      if (!entries.emplace(entry.name, data).second) refuse_file(path_, "holds {} twice", entry.name);
    }
  }

 private:
  struct Directory {
    std::uint64_t entries, offset;
  };

  [[noreturn]] void damaged(std::string_view what) const {
    refuse_file(path_, "a damaged or truncated zip archive: {}", what);
  }

  template <class T>
  T number(std::uint64_t at) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) damaged("a record lies beyond the end");
    return read_number<T>(bytes_, at);
  }
  std::span<const std::byte> range(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size) damaged("a record lies beyond the end");
    return bytes_.subspan(at, size);
  }

  /// The record that ends the archive is found from behind: a comment may follow it.
  Directory find_directory() const {
    if (bytes_.size() < kEndSize) damaged("no directory");
    const std::uint64_t last = bytes_.size() - kEndSize;
    for (std::uint64_t back = 0; back <= std::min(last, kLongestComment); ++back) {
      const std::uint64_t at = last - back;
      if (number<std::uint32_t>(at) != kEnd || number<std::uint16_t>(at + 20) != back) continue;
      Directory found{number<std::uint16_t>(at + 10), number<std::uint32_t>(at + 16)};
      if (at >= kLocatorSize && number<std::uint32_t>(at - kLocatorSize) == kLocator64) {
        const auto end64 = number<std::uint64_t>(at - kLocatorSize + 8);
        if (range(end64, kEnd64Size).empty() || number<std::uint32_t>(end64) != kEnd64)
          damaged("no zip64 directory where it should be");
        found = {number<std::uint64_t>(end64 + 32), number<std::uint64_t>(end64 + 48)};
      }
      if (found.entries > bytes_.size() / kCentralSize) damaged("more entries than it has bytes for");
      return found;
    }
    damaged("no directory at its end");
  }

  /// The entry of the central directory at `at`, which moves behind it.
  Described describe(std::uint64_t& at) const {
    if (number<std::uint32_t>(at) != kCentralHeader) damaged("its directory is not where it should be");
    Described entry;
    entry.flags = number<std::uint16_t>(at + 8);
    entry.method = number<std::uint16_t>(at + 10);
    entry.packed = number<std::uint32_t>(at + 20);
    entry.size = number<std::uint32_t>(at + 24);
    const auto name = number<std::uint16_t>(at + 28), extra = number<std::uint16_t>(at + 30),
               comment = number<std::uint16_t>(at + 32);
    entry.local = number<std::uint32_t>(at + 42);
    entry.name = text_of(range(at + kCentralSize, name));
    read_zip64(range(at + kCentralSize + name, extra), entry);
    at += kCentralSize + name + extra + comment;
    return entry;
  }

  /// Takes those of the three numbers that need 64 bits from the extra fields.
  void read_zip64(std::span<const std::byte> extra, Described& entry) const {
    constexpr std::uint16_t kZip64 = 1;
    constexpr std::size_t kFieldHeader = 4;
    std::size_t at = 0;
    while (extra.size() - at >= kFieldHeader) {
      const auto id = read_number<std::uint16_t>(extra, at), size = read_number<std::uint16_t>(extra, at + 2);
      at += kFieldHeader;
      if (extra.size() - at < size) damaged("an extra field is too long");
      auto field = extra.subspan(at, size);
      at += size;
      if (id != kZip64) continue;
      for (std::uint64_t* number : {&entry.size, &entry.packed, &entry.local}) {
        if (*number != kIn64) continue;
        if (field.size() < sizeof(*number)) damaged("a zip64 field is too short");
        *number = read_number<std::uint64_t>(field, 0);
        field = field.subspan(sizeof(*number));
      }
    }
  }

  std::span<const std::byte> data_of(const Described& entry) const {
    if ((entry.flags & 1U) != 0) refuse_file(path_, "{} is encrypted", entry.name);
    if (entry.method != 0 || entry.packed != entry.size)
      refuse_file(path_,
                  "{} is compressed, expected an archive that torch.save wrote, which stores its files as they are",
                  entry.name);
    if (number<std::uint32_t>(entry.local) != kLocalHeader) damaged("an entry is not where it should be");
    const auto name = number<std::uint16_t>(entry.local + 26), extra = number<std::uint16_t>(entry.local + 28);
    return range(entry.local + kLocalSize + name + extra, entry.size);
  }

  const std::filesystem::path& path_;
  std::span<const std::byte> bytes_;
};

}  // namespace

ZipArchive::ZipArchive(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  ZipReader(path, bytes).read(entries_);
}

}  // namespace tandem
