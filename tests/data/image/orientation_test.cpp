// A photo is turned upright whatever container says how it lies.

#include "data/image/orientation.h"

#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/image/header/exif.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"
#include "tests/data/image/png_kinds.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using test::bytes_of;
using test::exif_segment;
using test::jpeg_content;
using test::jpeg_segment;
using test::tiff_block;
using test::turned;
using test::with_segments;

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Image decoded(const std::string& content) { return decode_image(bytes(content), "x"); }

int orientation_of(const std::string& block) { return exif_orientation(Bytes(bytes(block))).value_or(0); }

/// The orientation that a file is turned by; 0 if it is none of them.
int turned_by(const std::string& content, const Image& stored) {
  const Image image = decoded(content);
  for (int orientation = 1; orientation <= 8; ++orientation)
    if (test::largest_difference(image, turned(stored, orientation)) == 0) return orientation;
  return 0;
}

std::string xmp_segment(const std::string& packet) {
  return jpeg_segment(0xE1, std::string("http://ns.adobe.com/xap/1.0/\0", 29) + packet);
}

const std::string kXmp = xmp_segment("<x:xmpmeta/>");
const std::string kExif = std::string("Exif\0\0", 6);

TEST_CASE("pictures of any size are turned in place") {
  for (const auto& [height, width] :
       {std::pair{2, 2}, {2, 3}, {7, 5}, {5, 7}, {32, 3}, {33, 64}, {64, 33}, {96, 40}, {37, 41}, {1, 9}, {9, 1}})
    for (int orientation = 1; orientation <= 8; ++orientation) {
      INFO(height << "x" << width << ", orientation " << orientation);
      const Image stored = test::noise(height, width, 1);
      Image image = stored;
      turn_upright(image, orientation);
      CHECK(test::largest_difference(image, turned(stored, orientation)) == 0);
    }
}

TEST_CASE("the orientation is read from an EXIF block of either byte order, as any integer") {
  for (const bool big : {false, true})
    for (const int type : {1, 3, 4})
      for (int orientation = 1; orientation <= 8; ++orientation) {
        CHECK(orientation_of(tiff_block(orientation, big, type)) == orientation);
        CHECK(orientation_of(kExif + tiff_block(orientation, big, type)) == orientation);
        CHECK(orientation_of(kExif + kExif + std::string(2, '\0') + tiff_block(orientation, big, type)) == orientation);
      }
}

TEST_CASE("an EXIF block that makes no sense has no orientation") {
  for (const int value : {0, 9, 255}) CHECK(orientation_of(tiff_block(value)) == 0);
  CHECK(orientation_of("") == 0);
  CHECK(orientation_of(tiff_block(6, false, 2)) == 0);  // a text
  const std::string block = tiff_block(6);
  for (std::size_t length = 0; length < 31; ++length) CHECK(orientation_of(block.substr(0, length)) == 0);
  for (const std::string offset : {"\xFF\xFF\xFF\xFF", "\xF0\xFF\xFF\x7F"})
    CHECK(orientation_of(std::string(block).replace(4, 4, offset)) == 0);
  CHECK(orientation_of("XX" + block.substr(2)) == 0);
}

TEST_CASE("a JPEG's orientation is found wherever its EXIF data stands") {
  const Image picture = test::noise(24, 32, 2);
  const std::string jpeg = jpeg_content(picture);
  const Image stored = decoded(jpeg);
  const std::string exif = exif_segment(tiff_block(6)), no_exif = exif_segment("no TIFF");
  for (const std::string& segments :
       {exif, kXmp + exif, exif + kXmp, kXmp + kXmp + exif, no_exif + exif, exif + exif_segment(tiff_block(3)),
        "\xFF\xFF\xFF" + exif, exif_segment(tiff_block(6) + std::string(100, '\0')),
        jpeg_segment(0xEC, "Ducky") + kXmp + exif, jpeg_segment(0xFE, "\xFF\xD9 Exif") + exif})
    CHECK(turned_by(with_segments(jpeg, segments), stored) == 6);
  CHECK(turned_by(with_segments(jpeg, kXmp), stored) == 1);
  CHECK(turned_by(with_segments(jpeg, no_exif), stored) == 1);
  for (std::size_t length = 0; length < 31; ++length)
    CHECK(turned_by(with_segments(jpeg, exif_segment(tiff_block(6).substr(0, length))), stored) == 1);
}

const std::string kXmpTurned = R"(<x:xmpmeta><rdf:Description tiff:Make="x" tiff:Orientation="6"/></x:xmpmeta>)";

TEST_CASE("the orientation is read from XMP as an attribute and as an element") {
  const auto xmp = [](const std::string& packet) { return xmp_orientation(Bytes(bytes(packet))).value_or(0); };
  CHECK(xmp(kXmpTurned) == 6);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string digit = std::to_string(orientation);
    CHECK(xmp("<tiff:Orientation>" + digit + "</tiff:Orientation>") == orientation);
    CHECK(xmp("tiff:Orientation = '" + digit + "'") == orientation);
  }
  for (const char* none : {"", "tiff:Orientation", "tiff:Orientation=\"", "tiff:Orientation=\"0\"",
                           "tiff:Orientation=\"9\"", "tiff:Orientation=\"x\"", "exif:Orientation=\"6\""})
    CHECK(xmp(none) == 0);
}

TEST_CASE("XMP's orientation counts in every container where EXIF has none") {
  const std::string jpeg = jpeg_content(test::noise(24, 32, 5));
  const Image stored = decoded(jpeg);
  const std::string xmp = xmp_segment(kXmpTurned), exif = exif_segment(tiff_block(3));
  CHECK(turned_by(with_segments(jpeg, xmp), stored) == 6);
  CHECK(turned_by(with_segments(jpeg, exif_segment("no TIFF") + xmp), stored) == 6);
  CHECK(turned_by(with_segments(jpeg, xmp + exif), stored) == 3);
  CHECK(turned_by(with_segments(jpeg, exif + xmp), stored) == 3);

  Random random(6, RandomPurpose::test);
  test::PngFile png = random_png(test::kPngKinds[0], 9, 13, false, random);
  const Image plain = test::specified_image(png);
  const std::string keyword = std::string("XML:com.adobe.xmp\0\0\0", 20);
  const std::string text = test::png_chunk("iTXt", keyword + std::string("en\0XMP\0", 7) + kXmpTurned);
  png.chunks_before = text;
  CHECK(turned_by(png_content(png), plain) == 6);
  png.chunks_after = test::png_chunk("eXIf", tiff_block(3));
  CHECK(turned_by(png_content(png), plain) == 3);
  png.chunks_before = test::png_chunk("iTXt", keyword) + test::png_chunk("iTXt", "Comment" + kXmpTurned);
  png.chunks_after.clear();
  CHECK(turned_by(png_content(png), plain) == 1);
#ifdef TANDEM_OPENCV
  const std::string webp = test::file_content(test::picture("smooth.webp"));
  const Image picture = decoded(webp);
  std::string file = test::webp_with_exif(webp, picture.height, picture.width, false, "no TIFF");
  file += test::webp_chunk("XMP ", kXmpTurned);
  file.replace(4, 4, bytes_of(static_cast<std::uint32_t>(file.size() - 8), 4, false));
  CHECK(turned_by(file, picture) == 6);
#endif
}

TEST_CASE("JPEG files of every kind and orientation show the upright picture") {
  for (const int channels : {1, 3, 4})
    for (const bool progressive : {false, true}) {
      const std::string jpeg = jpeg_content(test::noise(24, 36, 3), {channels, progressive, 0, 90});
      const Image stored = decoded(jpeg);
      for (int orientation = 1; orientation <= 8; ++orientation) {
        INFO(channels << " channels, progressive " << progressive << ", orientation " << orientation);
        const std::string file = with_segments(jpeg, kXmp + exif_segment(tiff_block(orientation, true)));
        CHECK(test::largest_difference(decoded(file), turned(stored, orientation)) == 0);
      }
    }
}

TEST_CASE("PNG files of every kind and orientation show the upright picture") {
  Random random(4, RandomPurpose::test);
  for (const test::PngKind& kind : test::kPngKinds)
    for (const bool interlaced : {false, true})
      for (int orientation = 1; orientation <= 8; ++orientation) {
        INFO(kind.name << ", interlaced " << interlaced << ", orientation " << orientation);
        test::PngFile png = random_png(kind, 9, 13, interlaced, random);
        const Image upright = turned(test::specified_image(png), orientation);
        std::string& chunks = orientation % 2 == 0 ? png.chunks_before : png.chunks_after;
        chunks = test::png_chunk("eXIf", tiff_block(orientation, orientation > 4));
        CHECK(test::largest_difference(decoded(png_content(png)), upright) == 0);
      }
}

TEST_CASE("WebP files of every kind and orientation show the upright picture") {
#ifndef TANDEM_OPENCV
  TANDEM_SKIP("a build without OpenCV reads no WebP");
#else
  struct Kind {
    const char* name;
    bool alpha;
  };
  for (const auto& [name, alpha] :
       {Kind{"rgb.webp", false}, {"cutout.webp", true}, {"smooth.webp", false}, {"smooth_cutout.webp", true}}) {
    const std::string webp = test::file_content(test::picture(name));
    const Image stored = decoded(webp);
    for (int orientation = 1; orientation <= 8; ++orientation)
      for (const std::string& prefix : {std::string(), kExif}) {
        INFO(name << ", orientation " << orientation << ", with a prefix: " << !prefix.empty());
        const std::string file =
            test::webp_with_exif(webp, stored.height, stored.width, alpha, prefix + tiff_block(orientation));
        CHECK(test::largest_difference(decoded(file), turned(stored, orientation)) == 0);
      }
  }
#endif
}

}  // namespace
}  // namespace tandem
