#include "data/image/header/exif.h"

#include <algorithm>
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

/// The text of a directory's entry; empty if it is no text. Texts end with a zero; cameras fill them up with blanks.
std::string text_of(const Tiff& tiff, std::size_t entry) {
  constexpr std::uint32_t kText = 2, kLongest = 100;
  if (tiff.u16(entry + 2) != kText) return {};
  const std::uint32_t count = tiff.u32(entry + 4);
  const std::size_t at = count <= 4 ? entry + 8 : tiff.u32(entry + 8);
  std::string text;
  for (std::size_t i = 0; i < std::min(count, kLongest) && tiff.u8(at + i) != 0; ++i) {
    const auto c = static_cast<char>(tiff.u8(at + i));
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// The TIFF structure in an EXIF block.
Tiff structure_of(Bytes block) {
  std::size_t start = 0;
  while (block.text(start, "Exif")) {
    start += 4;
    while (start < block.size() && block.u8(start) == 0) ++start;
  }
  return Tiff(block.part(start, block.size()));
}

}  // namespace

std::string exif_camera(Bytes block) {
  constexpr std::uint32_t kMake = 0x010F, kModel = 0x0110;
  const Tiff tiff = structure_of(block);
  if (!tiff.valid()) return {};
  const std::size_t directory = tiff.u32(4), entries = tiff.u16(directory);
  std::string make, model;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.u16(entry) == kMake) make = text_of(tiff, entry);
    if (tiff.u16(entry) == kModel) model = text_of(tiff, entry);
  }
  const std::string first_word = make.substr(0, make.find(' '));
  if (model.empty() || make.empty() || model.compare(0, first_word.size(), first_word) == 0)
    return model.empty() ? make : model;
  return make + " " + model;
}

std::optional<int> exif_orientation(Bytes block) {
  constexpr std::uint32_t kOrientation = 0x0112;
  const Tiff tiff = structure_of(block);
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
