#include "data/image/header/other_formats.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "data/image/header/bytes.h"

namespace tandem {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t at;
  std::string_view bytes;
  const char* name;
};

/// The first that fits is told, so that a camera's raw photo comes before the TIFF that it is built on.
constexpr std::array kSignatures = {
    Signature{0, "GIF8"sv, "a GIF image"},
    Signature{8, "CR\x02\0"sv, "a camera's raw photo (CR2)"},
    Signature{0, "IIRO"sv, "a camera's raw photo (ORF)"},
    Signature{0, "IIRS"sv, "a camera's raw photo (ORF)"},
    Signature{0, "MMOR"sv, "a camera's raw photo (ORF)"},
    Signature{0, "IIU\0"sv, "a camera's raw photo (RW2)"},
    Signature{0, "FUJIFILMCCD-RAW"sv, "a camera's raw photo (RAF)"},
    Signature{0, "FOVb"sv, "a camera's raw photo (X3F)"},
    Signature{0, "\0MRM"sv, "a camera's raw photo (MRW)"},
    Signature{0, "II*\0"sv, "a TIFF image or a camera's raw photo"},
    Signature{0, "MM\0*"sv, "a TIFF image or a camera's raw photo"},
    Signature{0, "II+\0"sv, "a TIFF image"},
    Signature{0, "MM\0+"sv, "a TIFF image"},
    Signature{0, "\0\0\0\x0CJXL \r\n\x87\n"sv, "a JPEG XL image"},
    Signature{0, "\xFF\x0A"sv, "a JPEG XL image"},
    Signature{0, "\0\0\0\x0CjP  \r\n\x87\n"sv, "a JPEG 2000 image"},
    Signature{0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 image"},
    Signature{0, "8BPS"sv, "a Photoshop image (PSD)"},
    Signature{0, "gimp xcf"sv, "a GIMP image (XCF)"},
    Signature{0, "\0\0\x02\0\0\0\0\0"sv, "a TGA image"},
    Signature{0, "\0\0\x0A\0\0\0\0\0"sv, "a TGA image"},
    Signature{0, "\0\0\x01\0"sv, "an icon (ICO)"},
    Signature{0, "\0\0\x02\0"sv, "a cursor (CUR)"},
    Signature{0, "P5\n"sv, "a PGM image"},
    Signature{0, "P6\n"sv, "a PPM image"},
    Signature{0, "\xFF\xFE<\0"sv, "an XML or HTML file in UTF-16"},
    Signature{0, "\xFE\xFF\0<"sv, "an XML or HTML file in UTF-16"},
    Signature{0, "%PDF-"sv, "a PDF document"},
    Signature{0, "%!PS"sv, "a PostScript document"},
    Signature{0, "\x8AMNG"sv, "an MNG image"},
    Signature{0, "\x8BJNG"sv, "a JNG image"},
    Signature{0, "DDS "sv, "a DDS image"},
    Signature{0, "v/1\x01"sv, "an OpenEXR image"},
    Signature{0, "#?RADIANCE"sv, "a Radiance HDR image"},
    Signature{0, "qoif"sv, "a QOI image"},
    Signature{0, "\xD7\xCD\xC6\x9A"sv, "a WMF image"},
    Signature{0, "PK\x03\x04"sv, "a ZIP archive"},
    Signature{0, "\x1F\x8B"sv, "a gzip file"},
    Signature{8, "AVI "sv, "an AVI video"},
    Signature{0, "\x1A\x45\xDF\xA3"sv, "a Matroska or WebM video"},
    Signature{0, "version https://git-lfs"sv, "a Git LFS pointer, not the file that it stands for"},
};

/// Files of the ISO media family say in their first box what they are: a brand, then those they are compatible with.
const char* media_brand(Bytes file) {
  struct Brand {
    std::string_view brand;
    const char* name;
  };
  constexpr std::array kBrands = {
      Brand{"avif", "an AVIF image"}, Brand{"avis", "an AVIF image"}, Brand{"crx ", "a camera's raw photo (CR3)"},
      Brand{"heic", "a HEIC image"},  Brand{"heix", "a HEIC image"},  Brand{"heim", "a HEIC image"},
      Brand{"heis", "a HEIC image"},  Brand{"hevc", "a HEIC image"},  Brand{"hevx", "a HEIC image"},
      Brand{"mif1", "a HEIF image"},  Brand{"msf1", "a HEIF image"},  Brand{"jxl ", "a JPEG XL image"},
  };
  if (!file.text(4, "ftyp")) return nullptr;
  const std::size_t end = std::min<std::size_t>({file.big32(0), file.size(), 256});
  for (const Brand& b : kBrands)
    for (std::size_t at = 8; at + 4 <= end; at += 4)
      if (at != 12 && file.text(at, b.brand)) return b.name;  // at 12 is a version
  return "an MP4 or QuickTime video";
}

/// Markup, by its first tag. XML may have a prologue of any length before that.
const char* markup(Bytes file) {
  constexpr std::size_t kLooked = 4096;
  std::string text;
  for (std::size_t i = file.text(0, "\xEF\xBB\xBF") ? 3 : 0; i < std::min(file.size(), kLooked); ++i)
    text += static_cast<char>(std::tolower(static_cast<int>(file.u8(i))));
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  if (text.empty() || text.front() != '<') return nullptr;
  const auto begins = [&](std::string_view start) { return text.compare(0, start.size(), start) == 0; };
  const bool prologue = begins("<?xml") || begins("<!--") || begins("<!doctype svg");
  if (begins("<svg") || (prologue && text.find("<svg") != std::string::npos)) return "an SVG image";
  for (const std::string_view tag : {"<!doctype html", "<html", "<head", "<body", "<title", "<script", "<meta"})
    if (begins(tag) || (prologue && text.find(tag) != std::string::npos)) return "an HTML page";
  return begins("<?xml") ? "an XML file" : nullptr;
}

const char* unread_webp(Bytes file) {
  constexpr std::uint32_t kAnimation = 0x02;
  return file.text(12, "VP8X") && (file.u8(20) & kAnimation) != 0 ? "an animated WebP image" : nullptr;
}

/// The compression field of BMP's second header and those that follow it.
const char* unread_bmp(Bytes file) {
  constexpr std::uint32_t kJpeg = 4, kPng = 5;
  const std::uint32_t header = file.little32(14), compression = file.little32(30);
  if (header < 40 || header > 124) return nullptr;
  return compression == kJpeg  ? "a BMP file that holds a JPEG"
         : compression == kPng ? "a BMP file that holds a PNG"
                               : nullptr;
}

}  // namespace

const char* unread_format(std::span<const std::uint8_t> content) {
  const Bytes file(content);
  for (const Signature& s : kSignatures)
    if (file.text(s.at, s.bytes)) return s.name;
  if (file.text(0, "RIFF") && file.text(8, "WEBP")) return unread_webp(file);
  if (file.text(0, "BM")) return unread_bmp(file);
  if (const char* name = media_brand(file)) return name;
  return markup(file);
}

}  // namespace tandem
