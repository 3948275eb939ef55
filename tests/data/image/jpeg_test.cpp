// JPEG files that are damaged although they end as they should, and others that only look so.

#include <cmath>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using test::jpeg_content;
using test::with_segments;

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string error_of(const std::string& content) {
  return test::message_of<InputError>([&] { decode_image(bytes(content), "x"); });
}

bool is_damaged(const std::string& content) { return test::contains(error_of(content), "x: JPEG file is damaged: "); }

const std::string kEnd = "\xFF\xD9", kScan = "\xFF\xDA";

/// Noise in the place of `count` bytes, without markers.
std::string noisy(std::string content, std::size_t at, std::size_t count) {
  Random random(1, RandomPurpose::test, 0, 0, static_cast<std::uint32_t>(at));
  for (std::size_t i = at; i < at + count; ++i) content[i] = static_cast<char>(random.below(255));
  return content;
}

TEST_CASE("a JPEG of which a part is missing, or that is noisy, is damaged") {
  const Image picture = test::noise(64, 96, 1);
  for (const bool progressive : {false, true}) {
    const std::string whole = jpeg_content(picture, {3, progressive, 0, 90});
    REQUIRE(error_of(whole).empty());
    const std::size_t middle = whole.size() / 2;
    for (const std::size_t count : {20U, 300U, 1000U}) {
      INFO("progressive " << progressive << ", " << count << " bytes");
      CHECK(is_damaged(whole.substr(0, middle) + whole.substr(middle + count)));
      CHECK(is_damaged(whole.substr(0, whole.size() - count) + kEnd));
      CHECK(is_damaged(noisy(whole, middle, count)));
      CHECK(is_damaged(whole.substr(0, middle) + noisy(whole, middle, count).substr(middle, count) +
                       whole.substr(middle)));
    }
  }
}

TEST_CASE("a JPEG that lacks a restart marker is damaged") {
  const std::string whole = jpeg_content(test::noise(64, 96, 1), {3, false, 4, 90});
  REQUIRE(error_of(whole).empty());
  const std::size_t marker = whole.find("\xFF\xD1");
  REQUIRE(marker != std::string::npos);
  CHECK(is_damaged(whole.substr(0, marker) + whole.substr(marker + 2)));
}

TEST_CASE("a progressive JPEG that lacks scans is damaged") {
  const std::string whole = jpeg_content(test::noise(64, 96, 1), {3, true, 0, 90});
  int scans = 0;
  for (std::size_t at = whole.find(kScan); at != std::string::npos; at = whole.find(kScan, at + 2)) {
    INFO("cut before scan " << scans);
    const std::string error = error_of(whole.substr(0, at) + kEnd);
    CHECK(test::contains(error, scans == 0 ? "truncated" : "its last scans are missing"));
    ++scans;
  }
  CHECK(scans > 5);
}

TEST_CASE("what cameras put between and behind the parts of a JPEG is no damage") {
  const Image picture = test::noise(64, 96, 1);
  for (const bool progressive : {false, true}) {
    const std::string whole = jpeg_content(picture, {3, progressive, 0, 90});
    const std::string body = whole.substr(0, whole.size() - 2);
    const Image expected = decode_image(bytes(whole), "x");
    const std::size_t quantisation = whole.find("\xFF\xDB");
    for (const std::string& file :
         {whole + whole, whole + "trailing data", whole + std::string(100, '\0'),      // a second picture, notes, zeros
          body + std::string(500, '\0') + kEnd, body + std::string(7, '\xFF') + kEnd,  // filled up
          whole.substr(0, quantisation) + "stray bytes" + whole.substr(quantisation),
          with_segments(whole, test::jpeg_segment(0xE2, "MPF" + std::string(1, '\0') + "II*")),
          with_segments(whole, test::jpeg_segment(0xE0, std::string("JFIF\0\x07\x07\0\0\1\0\1\0\0", 14)))}) {
      INFO(error_of(file));
      CHECK(error_of(file).empty());
      if (error_of(file).empty()) CHECK(test::largest_difference(decode_image(bytes(file), "x"), expected) == 0);
    }
  }
}

TEST_CASE("grey and CMYK JPEG files become RGB") {
  const Image picture = test::smooth(24, 32);
  Image grey = picture;
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) grey.pixels[i] = picture.pixels[i - i % 3];
  CHECK(test::largest_difference(decode_image(bytes(jpeg_content(picture, {1, false, 0, 100})), "x"), grey) <= 3);
  // The library marks it as Adobe's, whose inks are inverted: full values are none of an ink.
  CHECK(test::largest_difference(decode_image(bytes(jpeg_content(picture, {4, false, 0, 100})), "x"), picture) <= 3);
}

TEST_CASE("a JPEG of a kind that is not read is said to be that") {
  std::string content = jpeg_content(test::noise(16, 16, 1));
  content[content.find("\xFF\xC0") + 1] = '\xC3';  // lossless
  CHECK(test::contains(error_of(content), "x: JPEG file of a kind that is not supported: "));
}

}  // namespace
}  // namespace tandem
