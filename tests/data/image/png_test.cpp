// PNG files against the pixels that the specification gives them.

#include <string>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/data/image/png_kinds.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST_CASE("PNG files of every format and depth have the pixels of the specification, on white") {
  Random random(1, RandomPurpose::test);
  for (const test::PngKind& kind : test::kPngKinds)
    for (const bool interlaced : {false, true})
      for (const auto& [height, width] : {std::pair{2, 2}, {5, 9}, {31, 17}}) {
        INFO(kind.name << ", interlaced " << interlaced << ", " << height << "x" << width);
        const test::PngFile png = random_png(kind, height, width, interlaced, random);
        CHECK(test::largest_difference(decode_image(bytes(png_content(png)), "x"), specified_image(png)) == 0);
      }
}

TEST_CASE("what is wrong with a PNG file beside its pixels does no harm") {
  Random random(2, RandomPurpose::test);
  for (const test::PngKind& kind : test::kPngKinds) {
    test::PngFile png = random_png(kind, 5, 9, false, random);
    // A colour profile that is none, gamma, a text in no known encoding.
    png.chunks_before = test::png_chunk("iCCP", std::string("x\0\0", 3) + test::stored_zlib("no profile")) +
                        test::png_chunk("gAMA", test::bytes_of(10000, 4, true)) + test::png_chunk("tEXt", "\xFF\xFF");
    png.chunks_after = test::png_chunk("eXIf", "no TIFF");
    INFO(kind.name);
    CHECK(test::largest_difference(decode_image(bytes(png_content(png)), "x"), specified_image(png)) == 0);
  }
}

TEST_CASE("a PNG file whose pixels end too early is damaged") {
  Random random(3, RandomPurpose::test);
  test::PngFile png = random_png(test::kPngKinds[3], 8, 8, false, random);
  const std::string whole = png_content(png);
  png.height = 7;
  std::string file = png_content(png);
  file.replace(8, 25, whole, 8, 25);  // an IHDR that says 8 rows
  const std::string error = test::message_of<InputError>([&] { decode_image(bytes(file), "x"); });
  CHECK(test::contains(error, "x: PNG file is damaged: "));
}

}  // namespace
}  // namespace tandem
