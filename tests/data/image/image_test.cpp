#include "data/image/image.h"

#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/image/image_header.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;
using test::picture;

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The fixtures that this build decodes.
std::vector<std::string> pictures() {
  std::vector<std::string> names = {"rgb.png",    "grey.png",           "grey16.png", "palette.png",
                                    "cutout.png", "cutout_palette.png", "smooth.jpg", "progressive.jpg",
                                    "turned.jpg", "thumbnail.jpg"};
  names.push_back("rgb.bmp");
#ifdef TANDEM_OPENCV
  names.push_back("rgb.webp");
  names.push_back("cutout.webp");
#endif
  return names;
}

std::string error_of(const std::filesystem::path& path, const std::string& origin = {}) {
  return test::message_of<InputError>([&] { read_image(path, origin); });
}

std::string decode_error_of(const std::string& content) {
  return test::message_of<InputError>([&] { decode_image(bytes(content), "x"); });
}

TEST_CASE("lossless images decode exactly") {
  const Image expected = test::patterned(4, 6);
  CHECK(test::largest_difference(read_image(picture("rgb.png")), expected) == 0);
  CHECK(test::largest_difference(read_image(picture("rgb.bmp")), expected) == 0);
  CHECK(test::largest_difference(read_image(picture("palette.png")), expected) == 0);
#ifdef TANDEM_OPENCV
  CHECK(test::largest_difference(read_image(picture("rgb.webp")), expected) == 0);
#else
  CHECK(contains(error_of(picture("rgb.webp")), "WebP file of a kind that is not supported: this build has no OpenCV"));
#endif
}

TEST_CASE("grey images of 8 and 16 bits become RGB") {
  Image expected = test::patterned(4, 6);
  for (std::size_t i = 0; i < expected.pixels.size(); ++i) expected.pixels[i] = expected.pixels[i - i % 3];
  CHECK(test::largest_difference(read_image(picture("grey.png")), expected) == 0);
  CHECK(test::largest_difference(read_image(picture("grey16.png")), expected) == 0);
}

/// What the cut-out fixtures show on white: patterned(4, 6), whose column x has the alpha kAlpha[x].
Image on_white(bool grey) {
  constexpr int kAlpha[] = {0, 255, 128, 1, 254, 77};
  const Image pattern = test::patterned(4, 6);
  Image image = pattern;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const int alpha = kAlpha[i / 3 % 6], value = pattern.pixels[grey ? i - i % 3 : i];
    image.pixels[i] = static_cast<std::uint8_t>(std::lround((value * alpha + 255 * (255 - alpha)) / 255.0));
  }
  return image;
}

TEST_CASE("what is transparent shows white") {
  for (const char* name : {"cutout.png", "cutout16.png", "cutout_palette.png"}) {
    INFO(name);
    CHECK(test::largest_difference(read_image(picture(name)), on_white(false)) == 0);
  }
  CHECK(test::largest_difference(read_image(picture("cutout_grey.png")), on_white(true)) == 0);
#ifdef TANDEM_OPENCV
  CHECK(test::largest_difference(read_image(picture("cutout.webp")), on_white(false)) == 0);
#endif
}

TEST_CASE("JPEG images decode closely") {
  const Image expected = test::smooth(12, 16);
  for (const std::string name : {"smooth.jpg", "progressive.jpg", "thumbnail.jpg"})
    CHECK(test::largest_difference(read_image(picture(name)), expected) <= 6);
}

TEST_CASE("the EXIF orientation is applied") {
  const Image stored = test::smooth(12, 16);
  Image turned{16, 12, {}};  // clockwise by 90 degrees
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 12; ++x)
      for (int c = 0; c < 3; ++c) turned.pixels.push_back(stored.row(11 - x)[y * 3 + c]);
  CHECK(test::largest_difference(read_image(picture("turned.jpg")), turned) <= 6);
}

TEST_CASE("content decides over the extension") {
  const test::TempDir dir;
  const auto path = dir.write("really_a_png.jpg", test::file_content(picture("rgb.png")));
  CHECK(test::largest_difference(read_image(path), test::patterned(4, 6)) == 0);
}

TEST_CASE("an image cut short anywhere is refused") {
  for (const std::string& name : pictures()) {
    const std::string whole = test::file_content(picture(name));
    REQUIRE(decode_error_of(whole).empty());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      INFO(name << " cut to " << length << " of " << whole.size() << " bytes");
      const std::string error = decode_error_of(whole.substr(0, length));
      const std::string expected = length == 0 ? "empty" : length < 18 ? "x: " : "truncated";
      REQUIRE(contains(error, expected));
    }
  }
}

TEST_CASE("a JPEG file that ends before its pixels begin is truncated") {
  CHECK(contains(decode_error_of("\xFF\xD8\xFF\xD9"), "truncated JPEG"));
}

TEST_CASE("bytes after the end of an image do no harm") {
  for (const std::string& name : pictures()) {
    INFO(name);
    CHECK(decode_error_of(test::file_content(picture(name)) + std::string(100, '\xFF') + "junk").empty());
  }
}

TEST_CASE("unusable image files are refused with one line that says where and why") {
  const test::TempDir dir;
  const auto text = dir.write("text.jpg", "BMP and JPEG are formats; this is a text.\n");
  const auto empty = dir.write("empty.png", "");
  CHECK(error_of(dir / "none.jpg", "train.txt:12") ==
        "train.txt:12: " + (dir / "none.jpg").string() + ": no such image file");
  CHECK(contains(error_of(text, "a.txt:1"), "a.txt:1: " + text.string() + ": not an image: expected JPEG, PNG"));
  CHECK(error_of(empty) == empty.string() + ": image file is empty (zero bytes)");
  CHECK(contains(error_of(dir.path()), "not a file"));
  std::filesystem::create_symlink("loop.png", dir / "loop.png");
  CHECK(contains(error_of(dir / "loop.png", "a.txt:1"), "a.txt:1: " + (dir / "loop.png").string() + ": cannot read: "));
}

TEST_CASE("an image of one pixel is refused") {
  const test::TempDir dir;
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 5}, {5, 1}}) {
    write_png(test::patterned(height, width), dir / "tiny.png");
    CHECK(contains(error_of(dir / "tiny.png"), "expected at least 2x2"));
  }
  write_png(test::patterned(2, 2), dir / "small.png");
  CHECK(read_image(dir / "small.png").pixels == test::patterned(2, 2).pixels);
}

TEST_CASE("an absurdly large image is refused before it is decoded") {
  std::string content = test::file_content(picture("rgb.png"));
  content.replace(16, 8, std::string("\x00\x00\xEA\x60\x00\x00\xEA\x60", 8));  // 60000 x 60000
  CHECK(contains(decode_error_of(content), "image is 60000x60000 pixels: expected at most"));
  content.replace(16, 8, std::string("\x7F\xFF\xFF\xFF\x00\x00\x00\x02", 8));
  CHECK(contains(decode_error_of(content), "expected at most"));
}

TEST_CASE("a damaged image is refused") {
  std::string content = test::file_content(picture("rgb.png"));
  for (std::size_t i = 41; i < content.size() - 16; ++i) content[i] = '\x55';  // the compressed pixels
  CHECK(contains(decode_error_of(content), "PNG file is damaged"));
}

TEST_CASE("headers say the size that the pixels have") {
  for (const std::string& name : pictures()) {
    INFO(name);
    const std::string whole = test::file_content(picture(name));
    const ImageHeader header = read_image_header(bytes(whole));
    CHECK(header.complete);
    const Image image = decode_image(bytes(whole), name);
    const bool turned = name == "turned.jpg" && image.height == header.width;
    CHECK(header.height == (turned ? image.width : image.height));
    CHECK(header.width == (turned ? image.height : image.width));
  }
}

TEST_CASE("a header is read from the bytes of the file alone") {
  Random random(1, RandomPurpose::test);
  for (const std::string& name : pictures()) {
    const std::string whole = test::file_content(picture(name));
    for (int i = 0; i < 2000; ++i) {
      std::string mutated = whole.substr(0, random.below(static_cast<std::uint32_t>(whole.size())) + 1);
      for (std::uint32_t n = random.below(8); n > 0; --n)
        mutated[random.below(static_cast<std::uint32_t>(mutated.size()))] = static_cast<char>(random.bits());
      const std::vector<std::uint8_t> exact(mutated.begin(), mutated.end());  // so that a sanitizer sees every overrun
      const ImageHeader header = read_image_header(exact);
      // What follows the file in memory is not the file's: zeros or anything else.
      for (const char beyond : {'\x00', '\xFF'}) {
        const std::string inside = mutated + std::string(64, beyond);
        const ImageHeader same = read_image_header(bytes(inside).first(mutated.size()));
        REQUIRE(same.format == header.format);
        REQUIRE(same.complete == header.complete);
        REQUIRE(same.height == header.height);
        REQUIRE(same.width == header.width);
        REQUIRE(same.alpha == header.alpha);
      }
    }
  }
}

TEST_CASE("a spoilt file is refused or gives as many pixels as its header says") {
  Random random(2, RandomPurpose::test);
  for (const std::string& name : pictures()) {
    if (name.ends_with(".png")) continue;  // their checksums let next to nothing through
    const std::string whole = test::file_content(picture(name));
    int decoded = 0;
    for (int i = 0; i < 200; ++i) {
      std::string mutated = whole;
      for (std::uint32_t n = random.below(3) + 1; n > 0; --n)
        mutated[random.below(static_cast<std::uint32_t>(mutated.size()))] = static_cast<char>(random.bits());
      CAPTURE(name, i);
      Image image;
      try {
        image = decode_image(bytes(mutated), name);
      } catch (const InputError&) {
        continue;
      }
      ++decoded;
      const ImageHeader header = read_image_header(bytes(mutated));
      const auto height = static_cast<std::int64_t>(image.height), width = static_cast<std::int64_t>(image.width);
      REQUIRE(image.pixels.size() == static_cast<std::size_t>(3 * height * width));
      REQUIRE(((header.height == height && header.width == width) ||
               (header.height == width && header.width == height)));  // turned by its EXIF orientation
    }
    INFO(name << ": " << decoded);
    CHECK(decoded > 0);
  }
}

/// A BMP file of 8x8 pixels whose rows are packed in runs, of which the second half is missing.
std::string bmp_of_half_its_runs() {
  constexpr std::uint32_t kHeaders = 54, kPalette = 4 * 256;
  const auto number = [](std::uint32_t value, int size) { return test::bytes_of(value, size, false); };
  std::string runs;
  for (int row = 0; row < 4; ++row) runs += std::string("\x08\x07\x00\x00", 4);
  const auto offset = static_cast<std::uint32_t>(kHeaders + kPalette);
  return "BM" + number(offset + static_cast<std::uint32_t>(runs.size()), 4) + number(0, 4) + number(offset, 4) +
         number(40, 4) + number(8, 4) + number(8, 4) + number(1, 2) + number(8, 2) + number(1, 4) + number(0, 4) +
         number(0, 4) + number(0, 4) + number(256, 4) + number(0, 4) + std::string(kPalette, '\0') + runs;
}

/// What body() writes to the descriptor of standard error.
template <class Body>
std::string standard_error_of(const Body& body) {
  const test::TempDir dir;
  const int before = ::dup(STDERR_FILENO), file = ::open((dir / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
  REQUIRE(::dup2(file, STDERR_FILENO) == STDERR_FILENO);
  body();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(file);
  return test::file_content(dir / "stderr");
}

TEST_CASE("nothing is written to standard error while damaged files are decoded, and everything after that") {
  std::vector<std::string> files = {bmp_of_half_its_runs()};
  for (const std::string& name : pictures()) files.push_back(test::file_content(picture(name)));
  Random random(3, RandomPurpose::test);
  const std::string written = standard_error_of([&] {
    for (const std::string& whole : files)
      for (int i = 0; i < 200; ++i) {
        std::string mutated = whole;
        for (std::uint32_t n = i == 0 ? 0 : random.below(6) + 1; n > 0; --n)
          mutated[random.below(static_cast<std::uint32_t>(mutated.size()))] = static_cast<char>(random.bits());
        (void)decode_error_of(mutated);
      }
  });
  CHECK(written.empty());
  CHECK_FALSE(decode_error_of(files.front()).empty());
  CHECK(standard_error_of([] { std::cerr << "told: " << 7 << std::endl; }) == "told: 7\n");
}

TEST_CASE("a PNG that cannot be written is an error and leaves nothing behind") {
  const test::TempDir dir;
  const std::string error =
      test::message_of<Error>([&] { write_png(test::patterned(4, 4), dir.path() / "none" / "image.png"); });
  CHECK(contains(error, "cannot write the image"));
  CHECK_FALSE(contains(test::message_of<InputError>([&] { write_png(test::patterned(4, 4), "/nowhere/a.png"); }), "/"));
}

}  // namespace
}  // namespace tandem
