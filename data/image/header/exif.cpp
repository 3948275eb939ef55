#include "data/image/header/exif.h"

#include <string_view>

namespace tandem {
namespace {

/// Numbers of a TIFF structure, whose first two letters tell their byte order.
class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes), big_(bytes.text(0, "MM")) {}
  std::uint32_t u8(std::size_t at) const { return bytes_.u8(at); }
  std::uint32_t u16(std::size_t at) const { return big_ ? bytes_.big16(at) : bytes_.little16(at); }
  std::uint32_t u32(std::size_t at) const { return big_ ? bytes_.big32(at) : bytes_.little32(at); }
  bool valid() const { return (big_ || bytes_.text(0, "II")) && u16(2) == 42; }

 private:
  Bytes bytes_;
  bool big_;
};

/// The first number of a directory's entry of 12 bytes: tag, type, count, and the value, or where it is if it takes
/// more than four bytes. 0 if it is no integer.
std::uint32_t first_integer(const Tiff& tiff, std::size_t entry) {
  constexpr std::uint32_t kByte = 1, kShort = 3, kLong = 4, kSignedByte = 6, kSignedShort = 8, kSignedLong = 9;
  const std::uint32_t type = tiff.u16(entry + 2), count = tiff.u32(entry + 4);
  const bool byte = type == kByte || type == kSignedByte, two = type == kShort || type == kSignedShort;
  if (!byte && !two && type != kLong && type != kSignedLong) return 0;
  const std::uint32_t fits = byte ? 4 : two ? 2 : 1;
  const std::size_t at = count <= fits ? entry + 8 : tiff.u32(entry + 8);
  return byte ? tiff.u8(at) : two ? tiff.u16(at) : tiff.u32(at);
}

}  // namespace

std::optional<int> exif_orientation(Bytes block) {
  constexpr std::uint32_t kOrientation = 0x0112;
  std::size_t start = 0;
  while (block.text(start, "Exif")) {
    start += 4;
    while (start < block.size() && block.u8(start) == 0) ++start;
  }
  const Tiff tiff(block.part(start, block.size()));
  if (!tiff.valid()) return {};
  const std::size_t directory = tiff.u32(4), entries = tiff.u16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.u16(entry) != kOrientation) continue;
    const std::uint32_t value = first_integer(tiff, entry);
    if (value >= 1 && value <= 8) return static_cast<int>(value);
  }
  return {};
}

std::optional<int> xmp_orientation(Bytes packet) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = packet.find('t', 0); at < packet.size(); at = packet.find('t', at + 1)) {
    if (!packet.text(at, kName)) continue;
    std::size_t value = at + kName.size();
    while (value < packet.size() &&
           std::string_view(" \t\r\n=\"'>").find(static_cast<char>(packet.u8(value))) != std::string_view::npos)
      ++value;
    const std::uint32_t digit = packet.u8(value);
    if (digit >= '1' && digit <= '8') return static_cast<int>(digit - '0');
  }
  return {};
}

}  // namespace tandem
