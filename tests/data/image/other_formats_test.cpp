#include "data/image/header/other_formats.h"

#include <string>
#include <utility>

#include "core/base/error.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using namespace std::string_literals;
using test::contains;
using test::file_content;
using test::picture;

std::string error_of(const std::string& content) {
  const test::TempDir dir;
  return test::message_of<InputError>([&] { read_image(dir.write("photo.jpg", content)); });
}

std::string media(const std::string& brands) {
  return test::bytes_of(static_cast<std::uint32_t>(8 + brands.size()), 4, true) + "ftyp" + brands + "rest of it";
}

TEST_CASE("a file of another format is named as that, and it is said what is read") {
  std::string animated = "RIFF\x40\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\x0F\0\0\x0B\0\0"s;
  const std::pair<std::string, const char*> files[] = {
      {"GIF89a\x10\0\x10\0"s, "a GIF image"},
      {"II*\0\x08\0\0\0"s, "a TIFF image or a camera's raw photo"},
      {"MM\0*\0\0\0\x08"s, "a TIFF image or a camera's raw photo"},
      {"II*\0\x10\0\0\0CR\x02\0"s, "raw photo (CR2)"},
      {media("heic\0\0\0\0mif1heic"s), "a HEIC image"},
      {media("mif1\0\0\0\0mif1heic"s), "a HEIC image"},
      {media("avif\0\0\0\0mif1avif"s), "an AVIF image"},
      {media("mif1\0\0\0\0avifmif1"s), "an AVIF image"},
      {media("crx \0\0\0\1crx isom"s), "raw photo (CR3)"},
      {media("isom\0\0\2\0isomiso2"s), "video"},
      {"\xFF\x0A\xFA\x1F"s, "a JPEG XL image"},
      {"\0\0\0\x0CJXL \r\n\x87\n"s, "a JPEG XL image"},
      {"8BPS\0\1"s, "PSD"},
      {"\0\0\1\0\1\0"s, "ICO"},
      {"\0\0\2\0\1\0\x10\x10"s, "a cursor (CUR)"},
      {"\0\0\2\0\0\0\0\0\0\0\0\0\x20\0\x18\0\x18\x20"s, "a TGA image"},
      {"P6\n4 4\n255\n"s, "a PPM image"},
      {"\xFF\xFE<\0?\0x\0m\0l\0"s, "an XML or HTML file in UTF-16"},
      {"%PDF-1.7\n"s, "a PDF document"},
      {"<svg xmlns='http://www.w3.org/2000/svg'/>"s, "an SVG image"},
      {"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>"s, "an SVG image"},
      {"\n <!DOCTYPE html><html><body>404</body></html>"s, "an HTML page"},
      {"<HTML><HEAD>"s, "an HTML page"},
      {"PK\x03\x04"s, "a ZIP archive"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"s, "a Git LFS pointer"},
      {animated, "an animated WebP image"},
  };
  for (const auto& [content, name] : files) {
    const std::string error = error_of(content);
    INFO(error);
    CHECK(contains(error, name));
    CHECK(contains(error, ", which is not supported: expected JPEG, PNG"));
  }
  std::string bmp = file_content(picture("rgb.bmp"));
  bmp[30] = 4;
  CHECK(contains(error_of(bmp), "a BMP file that holds a JPEG, which is not supported"));
}

TEST_CASE("files that are read, and texts, are of no other format") {
  for (const char* name : {"rgb.png", "rgb.bmp", "rgb.webp", "smooth_cutout.webp", "smooth.jpg", "thumbnail.jpg"}) {
    const std::string content = file_content(picture(name));
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
    CHECK(unread_format(bytes) == nullptr);
  }
  CHECK(contains(error_of("a < b, <svg> and GIF8"), "not an image: expected JPEG"));
}

TEST_CASE("the ending of a file's name does not matter") {
  const test::TempDir dir;
  const std::string png = file_content(picture("rgb.png")), jpeg = file_content(picture("smooth.jpg"));
  for (const char* name : {"a.jfif", "a.jpe", "a.JPG", "a", "a.gif", "a."}) {
    CHECK(read_image(dir.write(name, png)).pixels == read_image(picture("rgb.png")).pixels);
    CHECK(read_image(dir.write(name, jpeg)).pixels == read_image(picture("smooth.jpg")).pixels);
  }
}

}  // namespace
}  // namespace tandem
