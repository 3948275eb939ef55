#include <string>

#include "data/image/header/exif.h"
#include "data/image/image_header.h"
#include "tests/data/image/exif_block.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

/// An EXIF block with a maker and a model, both longer than four bytes.
std::string block(const std::string& make, const std::string& model, bool big) {
  const auto number = [&](std::size_t value, int bytes) {
    return test::bytes_of(static_cast<std::uint32_t>(value), bytes, big);
  };
  const std::size_t texts = 8 + 2 + 2 * 12 + 4;
  const auto entry = [&](std::size_t tag, std::size_t size, std::size_t at) {
    return number(tag, 2) + number(2, 2) + number(size, 4) + number(at, 4);
  };
  return std::string(big ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) +
         entry(0x010F, make.size() + 1, texts) + entry(0x0110, model.size() + 1, texts + make.size() + 1) +
         number(0, 4) + make + '\0' + model + '\0';
}

std::string camera(const std::string& content) {
  return exif_camera(Bytes(std::span(reinterpret_cast<const std::uint8_t*>(content.data()), content.size())));
}

TEST_CASE("the camera is the maker and the model, the maker's name once") {
  for (const bool big : {false, true}) {
    CHECK(camera(block("Apple", "iPhone 12", big)) == "Apple iPhone 12");
    CHECK(camera("Exif" + std::string(2, '\0') + block("Apple", "iPhone 12", big)) == "Apple iPhone 12");
    CHECK(camera(block("NIKON CORPORATION", "NIKON D90  ", big)) == "NIKON D90");
    CHECK(camera(block("Maker", "a\nb\xC3", big)) == "Maker a?b?");
  }
  CHECK(camera("").empty());
  CHECK(camera("no block").empty());
  const std::string whole = block("Apple", "iPhone 12", false);
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(camera(whole.substr(0, size)).size() <= 15);
}

TEST_CASE("a file's header has its EXIF block") {
  const std::string jpeg = test::file_content(test::picture("smooth.jpg"));
  const std::string file = test::with_segments(jpeg, test::exif_segment(block("Apple", "iPhone 12", true)));
  const auto header = [](const std::string& content) {
    return read_image_header(std::span(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
  };
  CHECK(exif_camera(Bytes(header(file).exif)) == "Apple iPhone 12");
  CHECK(header(jpeg).exif.empty());
}

}  // namespace
}  // namespace tandem
