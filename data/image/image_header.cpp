#include "data/image/image_header.h"

#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "data/image/header/bytes.h"
#include "data/image/header/exif.h"

namespace tandem {
namespace {

/// Where a file may say how its picture lies, and what took it. EXIF data counts before XMP, of several blocks the
/// first that says it.
struct PhotoBlocks {
  std::optional<int> exif, xmp;
  Bytes block = Bytes(std::span<const std::uint8_t>());  // the first of EXIF

  void read_exif(Bytes exif_block) {
    if (block.size() == 0) block = exif_block;
    if (!exif) exif = exif_orientation(exif_block);
  }
  void read_xmp(Bytes packet) {
    if (!xmp) xmp = xmp_orientation(packet);
  }
  void tell(ImageHeader& header) const {
    header.orientation = exif.value_or(xmp.value_or(1));
    header.exif = block.data();
  }
};

/// The XMP packet in a PNG chunk iTXt: a keyword, two bytes that say how the text is packed (here: not), a language and
/// a translated keyword, the text. Empty if the chunk holds another text.
Bytes xmp_packet(Bytes chunk) {
  using namespace std::string_view_literals;
  constexpr std::string_view kStart = "XML:com.adobe.xmp\0\0\0"sv;
  if (!chunk.text(0, kStart)) return chunk.part(0, 0);
  const std::size_t translated = chunk.find(0, kStart.size()) + 1;
  return chunk.part(chunk.find(0, translated) + 1, chunk.size());
}

/// Segments (marker, length, content) up to EOI. The entropy-coded data after a start of scan holds FF only before a
/// stuffed 00 or a restart marker, so that an EOI in an embedded thumbnail is not mistaken for the image's own.
ImageHeader read_jpeg(Bytes file) {
  using namespace std::string_view_literals;
  constexpr std::uint32_t kEndOfImage = 0xD9, kStartOfScan = 0xDA, kApp1 = 0xE1;
  constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
  ImageHeader header{ImageFormat::jpeg};
  PhotoBlocks blocks;
  bool in_scan = false;
  for (std::size_t at = 2; at < file.size();) {
    at = file.find(0xFF, at);
    if (at >= file.size()) break;
    const std::uint32_t marker = file.u8(at + 1);
    const bool restart = marker >= 0xD0 && marker <= 0xD7;
    if (marker == 0xFF) {  // padding
      at += 1;
      continue;
    }
    if (marker == 0 || restart || marker == 0x01) {  // no content
      at += 2;
      continue;
    }
    if (marker == kEndOfImage) {
      header.complete = in_scan;
      break;
    }
    const std::size_t length = file.big16(at + 2);
    const bool start_of_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (start_of_frame && header.width == 0) {
      header.height = file.big16(at + 5);
      header.width = file.big16(at + 7);
    }
    if (marker == kApp1 && length >= 2) {
      const Bytes segment = file.part(at + 4, length - 2);
      if (segment.text(0, "Exif")) blocks.read_exif(segment);
      if (segment.text(0, kXmp)) blocks.read_xmp(segment.part(kXmp.size(), segment.size()));
    }
    in_scan = in_scan || marker == kStartOfScan;
    at += 2 + length;
  }
  blocks.tell(header);
  return header;
}

/// Chunks (length, type, content, checksum) up to IEND. Alpha is a channel (colour types 4 and 6) or a chunk tRNS.
ImageHeader read_png(Bytes file) {
  ImageHeader header{ImageFormat::png};
  header.width = file.big32(16);
  header.height = file.big32(20);
  header.alpha = (file.u8(25) & 4) != 0;
  PhotoBlocks blocks;
  for (std::size_t at = 8; at < file.size();) {
    const std::size_t length = file.big32(at), end = at + 12 + length;
    if (file.text(at + 4, "IEND")) {
      header.complete = end <= file.size();
      break;
    }
    header.alpha = header.alpha || file.text(at + 4, "tRNS");
    if (file.text(at + 4, "eXIf")) blocks.read_exif(file.part(at + 8, length));
    if (file.text(at + 4, "iTXt")) blocks.read_xmp(xmp_packet(file.part(at + 8, length)));
    at = end;
  }
  blocks.tell(header);
  return header;
}

ImageHeader read_bmp(Bytes file) {
  constexpr std::uint32_t kRunLength8 = 1;
  constexpr std::uint32_t kRunLength4 = 2;
  ImageHeader header{ImageFormat::bmp};
  const bool os2 = file.little32(14) == 12;  // the oldest header: 16-bit sizes
  header.width = os2 ? file.little16(18) : static_cast<std::int32_t>(file.little32(18));
  header.height = os2 ? file.little16(20) : std::int64_t{static_cast<std::int32_t>(file.little32(22))};
  header.height = std::abs(header.height);  // negative: rows from top to bottom
  const std::uint32_t bits = file.little16(os2 ? 24 : 28);
  const std::uint32_t compression = os2 ? 0 : file.little32(30);
  if (compression == kRunLength8 || compression == kRunLength4) {
    header.complete = file.little32(2) <= file.size();
  } else {
    const std::int64_t row = (header.width * bits + 31) / 32 * 4;
    header.complete = row > 0 && (static_cast<std::int64_t>(file.size()) - file.little32(10)) / row >= header.height;
  }
  return header;
}

/// RIFF: chunks (type, length, content, a byte more after an odd length). The first is the bare pixels, lossy (VP8) or
/// lossless (VP8L), or says what follows (VP8X).
ImageHeader read_webp(Bytes file) {
  ImageHeader header{ImageFormat::webp};
  header.complete = file.little32(4) + std::size_t{8} <= file.size();
  if (file.text(12, "VP8X")) {
    header.width = file.little24(24) + 1;
    header.height = file.little24(27) + 1;
    header.alpha = (file.u8(20) & 0x10) != 0;
  } else if (file.text(12, "VP8L")) {
    header.width = (file.little32(21) & 0x3FFF) + 1;
    header.height = (file.little32(21) >> 14 & 0x3FFF) + 1;
    header.alpha = (file.little32(21) >> 28 & 1) != 0;
  } else {
    header.width = file.little16(26) & 0x3FFF;
    header.height = file.little16(28) & 0x3FFF;
  }
  PhotoBlocks blocks;
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t length = file.little32(at + 4);
    if (file.text(at, "EXIF")) blocks.read_exif(file.part(at + 8, length));
    if (file.text(at, "XMP ")) blocks.read_xmp(file.part(at + 8, length));
    header.alpha = header.alpha || file.text(at, "ALPH");
    at += 8 + length + length % 2;
  }
  blocks.tell(header);
  return header;
}

}  // namespace

const char* format_name(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::bmp:
      return "BMP";
    case ImageFormat::webp:
      return "WebP";
    case ImageFormat::unknown:
      break;
  }
  return "unknown";
}

ImageHeader read_image_header(std::span<const std::uint8_t> content) {
  const Bytes file(content);
  if (file.text(0, "\xFF\xD8\xFF")) return read_jpeg(file);
  if (file.text(0, "\x89PNG\r\n\x1A\n")) return read_png(file);
  if (file.text(0, "RIFF") && file.text(8, "WEBP")) return read_webp(file);
  // Two letters are little to go by: a text may begin with them. The size of the second header settles it.
  const std::uint32_t bmp_header = file.little32(14);
  if (file.text(0, "BM") && (bmp_header == 12 || (bmp_header >= 40 && bmp_header <= 124))) return read_bmp(file);
  return {};
}

}  // namespace tandem
