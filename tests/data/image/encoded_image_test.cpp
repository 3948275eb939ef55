// Decoding only what is needed: the same pixels, and the same look at damage.

#include "data/image/encoded_image.h"

#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/image/transform.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using test::jpeg_content;
using test::JpegKind;

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Every way in which JPEG files keep colours.
std::vector<JpegKind> kinds() {
  std::vector<JpegKind> all = {{1, false, 0, 90}, {1, true, 0, 90}, {4, false, 0, 90}, {4, true, 0, 90}};
  for (const bool progressive : {false, true})
    for (const auto& [across, down] : {std::pair{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}})
      for (const int restart : {0, 5}) all.push_back({3, progressive, restart, 90, across, down});
  return all;
}

std::string name_of(const JpegKind& kind) {
  return std::to_string(kind.channels) + " channels, " + std::to_string(kind.across) + "x" + std::to_string(kind.down) +
         (kind.progressive ? ", progressive" : "");
}

TEST_CASE("a part of a JPEG has the pixels that it has in the whole picture") {
  Random random(1, RandomPurpose::test);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
  };
  for (const JpegKind& kind : kinds()) {
    const std::string file = jpeg_content(test::noise(171, 205, 1), kind);
    const EncodedImage image(bytes(file), "x");
    for (const int eighths : {1, 2, 4, 8}) {
      const int height = (171 * eighths + 7) / 8, width = (205 * eighths + 7) / 8;
      const Image whole = image.decode({0, 0, height, width}, eighths).pixels;
      REQUIRE(whole.height == height);
      REQUIRE(whole.width == width);
      for (int trial = 0; trial < 12; ++trial) {
        Box box{between(0, height - 1), between(0, width - 1), 0, 0};
        box.height = between(1, height - box.top);
        box.width = between(1, width - box.left);
        const StoredPart part = image.decode(box, eighths);
        REQUIRE(part.top <= box.top);
        REQUIRE(part.left <= box.left);
        REQUIRE(part.top + part.pixels.height >= box.top + box.height);
        REQUIRE(part.left + part.pixels.width >= box.left + box.width);
        bool same = true;
        for (int y = box.top; y < box.top + box.height; ++y)
          same = same && std::equal(whole.row(y) + 3 * box.left, whole.row(y) + 3 * (box.left + box.width),
                                    part.pixels.row(y - part.top) + 3 * (box.left - part.left));
        INFO(name_of(kind) << ", " << eighths << "/8, rows " << box.top << "+" << box.height << ", columns " << box.left
                           << "+" << box.width << " of " << height << "x" << width);
        CHECK(same);
      }
    }
  }
}

/// What is wrong with a file of which a few pixels in the middle are asked for; "" if nothing.
std::string error_of_part(const std::string& content, int eighths) {
  return test::message_of<InputError>([&] {
    EncodedImage(bytes(content), "x").decode({8 * eighths, 10 * eighths, eighths, eighths}, eighths);
  });
}

TEST_CASE("a JPEG of which a part is decoded is damaged wherever it is") {
  const Image picture = test::noise(160, 192, 1);
  const std::string kEnd = "\xFF\xD9";
  for (const bool progressive : {false, true}) {
    const std::string whole = jpeg_content(picture, {3, progressive, 0, 90});
    for (const int eighths : {1, 2, 4, 8}) {
      INFO("progressive " << progressive << ", " << eighths << "/8");
      REQUIRE(error_of_part(whole, eighths).empty());
      CHECK(test::contains(error_of_part(whole.substr(0, whole.size() - 300), eighths), "truncated"));
      for (const std::size_t at : {whole.size() / 4, whole.size() / 2, whole.size() - 1500}) {
        INFO("at " << at << " of " << whole.size());
        CHECK(test::contains(error_of_part(whole.substr(0, at) + whole.substr(at + 1000), eighths), "is damaged"));
        CHECK(test::contains(error_of_part(whole.substr(0, at) + kEnd, eighths), "is damaged"));
        std::string noisy = whole;
        Random random(1, RandomPurpose::test);
        for (std::size_t i = at; i < at + 1000; ++i) noisy[i] = static_cast<char>(random.below(255));
        CHECK(test::contains(error_of_part(noisy, eighths), "is damaged"));
      }
    }
  }
}

using Pixels = std::vector<std::uint8_t>;

Pixels trained(const EncodedImage& image, const InputGeometry& input, const AugmentOptions& augment, bool reduced,
               std::uint32_t draw) {
  Pixels out(static_cast<std::size_t>(input.size * input.size * 3), 77);
  train_transform(image, input, augment, reduced, Random(1, RandomPurpose::test, 0, 0, draw), out);
  return out;
}

double mean_difference(const Pixels& a, const Pixels& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST_CASE("an image that is decoded in part gives the squares of one that is decoded whole") {
  const std::string jpeg = jpeg_content(test::noise(97, 140, 3));
  std::vector<std::string> files;
  for (int orientation = 1; orientation <= 8; ++orientation)
    files.push_back(test::with_segments(jpeg, test::exif_segment(test::tiff_block(orientation))));
  files.push_back(test::file_content(test::picture("turned.jpg")));
  files.push_back(test::file_content(test::picture("cutout.png")));
  files.push_back(test::file_content(test::picture("rgb.bmp")));
  InputGeometry squashed(24), boxed(24);
  squashed.squash = true;
  squashed.bgr = true;
  boxed.resize = 24;
  boxed.letterbox = {1, 2, 3};
  for (std::size_t f = 0; f < files.size(); ++f) {
    const EncodedImage encoded(bytes(files[f]), "x");
    const Image whole = decode_image(bytes(files[f]), "x");
    REQUIRE(encoded.height() == whole.height);
    REQUIRE(encoded.width() == whole.width);
    for (const InputGeometry& input : {InputGeometry(24), squashed, boxed}) {
      INFO("file " << f << ", squash " << input.squash << ", letterbox " << input.letterbox.has_value());
      Pixels expected(24 * 24 * 3), out(expected.size(), 77);
      eval_transform(whole, input, expected);
      eval_transform(encoded, input, out);
      CHECK(out == expected);
      for (const AugmentOptions& augment : {AugmentOptions{}, AugmentOptions{{}, true}})
        for (std::uint32_t draw = 0; draw < 6; ++draw) {
          train_transform(whole, input, augment, Random(1, RandomPurpose::test, 0, 0, draw), expected);
          CHECK(trained(encoded, input, augment, false, draw) == expected);
        }
    }
  }
}

TEST_CASE("the reduction is the largest that leaves as many pixels as are asked for") {
  const auto of = [](int height, int width, int size) {
    return reduction({{0, 0, height, width}, size, size, {0, 0, size, size}});
  };
  CHECK(of(1792, 1792, 224) == 1);
  CHECK(of(1791, 4000, 224) == 2);
  CHECK(of(4000, 1791, 224) == 2);
  CHECK(of(896, 896, 224) == 2);
  CHECK(of(896, 895, 224) == 4);
  CHECK(of(448, 448, 224) == 4);
  CHECK(of(447, 448, 224) == 8);
  CHECK(of(20, 20, 224) == 8);
  Resizing sampled{{0, 0, 4000, 4000}, 224, 224, {0, 0, 224, 224}};
  sampled.resampling.antialias = false;
  CHECK(reduction(sampled) == 8);
}

TEST_CASE("reduced decoding shows the same crop of a smooth picture, turned or not") {
  const std::string jpeg = jpeg_content(test::smooth(500, 700), {3, false, 0, 95});
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string file = test::with_segments(jpeg, test::exif_segment(test::tiff_block(orientation)));
    const EncodedImage image(bytes(file), "x");
    for (std::uint32_t draw = 0; draw < 8; ++draw) {
      const Pixels whole = trained(image, 40, {}, false, draw), reduced = trained(image, 40, {}, true, draw);
      INFO("orientation " << orientation << ", draw " << draw);
      CHECK(whole != reduced);                       // it was decoded reduced
      CHECK(mean_difference(whole, reduced) < 0.6);  // a misplacement by a pixel is about 2
    }
  }
}

}  // namespace
}  // namespace tandem
