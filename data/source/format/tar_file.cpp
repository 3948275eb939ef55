#include "data/source/format/tar_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/base/error.h"
#include "data/list/class_names.h"
#include "data/source/format/names.h"

namespace tandem {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kMostOfNames = std::uint64_t{1} << 20;  // of a header that only names what follows
using Block = std::array<std::uint8_t, kBlock>;

bool is_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](std::uint8_t b) { return b == 0; });
}

std::string text_in(const Block& block, std::size_t at, std::size_t size) {
  const auto* text = reinterpret_cast<const char*>(block.data() + at);
  return {text, std::find(text, text + size, '\0')};
}

/// A number in octal digits, or, for large ones, in binary after a first byte of 0x80.
std::optional<std::uint64_t> number_in(const Block& block, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  if (block[at] == 0x80) {
    for (std::size_t i = 1; i < size; ++i) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | block[at + i];
    }
    return value;
  }
  std::string text = text_in(block, at, size);
  text.erase(0, text.find_first_not_of(' '));
  text.resize(text.find_last_not_of(' ') + 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The sum of a header's bytes, its own sum taken as blanks.
std::uint64_t sum_of(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : block[i];
  return sum;
}

class Reader {
 public:
  explicit Reader(const DataFile& file) : file_(file) {}

  std::vector<TarMember> read() {
    for (;;) {
      const std::uint64_t at = at_;
      const Block header = next_block("a header");
      if (is_zero(header)) break;
      read_member(header, at);
    }
    check_end();
    return std::move(members_);
  }

 private:
  [[noreturn]] void damaged(std::uint64_t at, std::string_view what) const {
    fail_input("{}: damaged archive, at byte {}: {}", file_.path().string(), at, what);
  }

  Block next_block(std::string_view expected) {
    Block block{};
    if (at_ + kBlock > file_.size())
      damaged(at_, fmt::format("cut short: the file ends there, where {} or the archive's end was expected", expected));
    file_.read(at_, block);
    at_ += kBlock;
    return block;
  }

  void read_member(const Block& header, std::uint64_t at) {
    const auto sum = number_in(header, 148, 8);
    if (!sum || *sum != sum_of(header)) damaged(at, "no header of a file: its checksum is wrong");
    const auto told = number_in(header, 124, 12);
    if (!told) damaged(at, "a size that is no number");
    const char type = static_cast<char>(header[156]);
    const bool names_next = type == 'x' || type == 'L' || type == 'K' || type == 'g';
    std::string name = text_in(header, 0, 100);
    if (std::memcmp(header.data() + 257, "ustar\0", 6) == 0 && header[345] != 0)
      name = text_in(header, 345, 155) + "/" + name;
    std::uint64_t size = *told;
    if (!names_next) {
      if (next_name_) name = *next_name_;
      if (next_size_) size = *next_size_;
      next_name_.reset();
      next_size_.reset();
    }
    const std::uint64_t left = file_.size() - at_;
    if (size > left)
      damaged(at, fmt::format("cut short: {} has {} bytes, {} are left", in_quotes(on_one_line(name)), size, left));
    if (names_next)
      read_names(type, size, at);
    else
      add(type, name, size, at);
    at_ = std::min(file_.size(), at_ + (size + kBlock - 1) / kBlock * kBlock);
  }

  void add(char type, const std::string& name, std::uint64_t size, std::uint64_t at) {
    if (type == '5' || name.ends_with('/')) return;
    if (type != '0' && type != '\0' && type != '7')
      damaged(at, fmt::format("{} is a link, a device or a sparse file: expected files", in_quotes(on_one_line(name))));
    members_.push_back({on_one_line(name), at_, size});
  }

  /// What a header says of the next one.
  void read_names(char type, std::uint64_t size, std::uint64_t at) {
    if (size > kMostOfNames) damaged(at, fmt::format("names of {} bytes", size));
    const std::vector<std::uint8_t> bytes = file_.piece(at_, size);
    const std::string text(bytes.begin(), bytes.end());
    if (type == 'L') next_name_ = text.substr(0, text.find('\0'));
    if (type == 'x' || type == 'g') read_records(text, type == 'g', at);
  }

  /// "LENGTH KEY=VALUE\n", one after the other.
  void read_records(std::string_view text, bool global, std::uint64_t at) {
    while (!text.empty()) {
      std::size_t length = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
      const auto digits = static_cast<std::size_t>(end - text.data());
      if (error != std::errc() || length > text.size() || length < digits + 3 || text[digits] != ' ' ||
          text[length - 1] != '\n')
        damaged(at, "records of a header that are none");
      const std::string_view record = text.substr(digits + 1, length - digits - 2);
      const std::size_t equals = record.find('=');
      if (equals == record.npos) damaged(at, "records of a header that are none");
      const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
      if (key.starts_with("GNU.sparse") || (global && (key == "path" || key == "size")))
        damaged(at, fmt::format("{}: not supported", on_one_line(std::string(key))));
      if (key == "path") next_name_ = std::string(value);
      if (key == "size") {
        std::uint64_t number = 0;
        const auto [last, wrong] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (wrong != std::errc() || last != value.data() + value.size()) damaged(at, "a size that is no number");
        next_size_ = number;
      }
      text.remove_prefix(length);
    }
  }

  /// Behind the end there are zeros only.
  void check_end() const {
    std::vector<std::uint8_t> part(std::size_t{1} << 16);
    for (std::uint64_t at = at_; at < file_.size(); at += part.size()) {
      part.resize(static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), file_.size() - at)));
      file_.read(at, part);
      const auto more = std::find_if(part.begin(), part.end(), [](std::uint8_t b) { return b != 0; });
      if (more != part.end())
        damaged(at + static_cast<std::uint64_t>(more - part.begin()),
                "the file goes on behind the archive's end: several archives in one are not supported");
    }
  }

  const DataFile& file_;
  std::uint64_t at_ = 0;
  std::optional<std::string> next_name_;
  std::optional<std::uint64_t> next_size_;
  std::vector<TarMember> members_;
};

}  // namespace

bool is_tar(const std::filesystem::path& path) {
  Block block{};
  if (!DataFile(path).try_read(0, block) || is_zero(block)) return false;
  return number_in(block, 148, 8) == sum_of(block);
}

std::vector<TarMember> read_tar(const DataFile& file) { return Reader(file).read(); }

void TarWriter::add(const std::string& name, std::span<const std::uint8_t> content) {
  require(!name.empty() && name.size() <= 100 && content.size() >> 33 == 0, "tar: {} of {} bytes: too long", name,
          content.size());
  Block header{};
  const auto put = [&](std::size_t at, std::string_view text) {
    std::memcpy(header.data() + at, text.data(), text.size());
  };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", content.size()));
  put(136, "00000000000");
  put(156, "0");
  put(257, std::string_view("ustar\00000", 8));
  put(148, fmt::format("{:06o}", sum_of(header)) + std::string("\0 ", 2));
  file_.write(std::as_bytes(std::span(header)));
  file_.write(std::as_bytes(content));
  file_.write(std::vector<std::byte>((kBlock - content.size() % kBlock) % kBlock));
}

void TarWriter::commit() {
  file_.write(std::vector<std::byte>(2 * kBlock));
  file_.commit();
}

}  // namespace tandem
