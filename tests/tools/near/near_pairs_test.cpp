#include "tools/near/near_pairs.h"

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/tools/photos.h"

namespace tandem::tools {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

Image cut(const Image& image, int left, int top, int right, int bottom) {
  const Box box{top, left, image.height - top - bottom, image.width - left - right};
  return test::part_of(image, box, box.height, box.width);
}

TEST_CASE("variants of a photo are found among others, and the others are not") {
  constexpr std::uint32_t kPhotos = 60;
  std::vector<Fingerprint> pictures;
  for (std::uint32_t i = 0; i < kPhotos; ++i) pictures.push_back(fingerprint_of(test::photo(i)));
  const std::vector<std::pair<std::string, Image>> variants = {
      {"smaller", test::resized(test::photo(3), 70, 70)},
      {"narrower", test::resized(test::photo(7), 160, 110)},
      {"compressed", test::recompressed(test::photo(12), 30)},
      {"brighter", test::brightened(test::photo(17))},
      {"mirrored", test::mirrored(test::photo(20))},
      {"cut in the middle", cut(test::photo(25), 4, 4, 4, 4)},
      {"cut at two sides", cut(test::photo(31), 8, 8, 0, 0)},
      {"cut at the right", cut(test::photo(38), 0, 0, 8, 0)},
      {"cut by 5 % at every side", cut(test::photo(44), 8, 8, 8, 8)},
      {"all at once", test::recompressed(test::mirrored(test::resized(cut(test::photo(50), 2, 6, 6, 2), 90, 90)), 50)}};
  const std::size_t originals[] = {3, 7, 12, 17, 20, 25, 31, 38, 44, 50};
  for (const auto& [name, image] : variants) pictures.push_back(fingerprint_of(image));

  for (const unsigned threads : {1U, 3U}) {
    std::vector<bool> found(variants.size());
    for (const NearPair& pair : find_near_pairs(pictures, threads)) {
      INFO(pair.first << " and " << pair.second << ", " << pair.likeness);
      REQUIRE(pair.second >= kPhotos);
      const std::size_t variant = pair.second - kPhotos;
      REQUIRE(pair.first == originals[variant]);
      CHECK(pair.likeness >= kLeastDetail);
      CHECK(pair.mirrored == (variant == 4 || variant == 9));
      found[variant] = true;
    }
    for (std::size_t v = 0; v < variants.size(); ++v) {
      INFO(variants[v].first);
      CHECK(found[v]);
    }
  }
}

TEST_CASE("blank pictures are like no other, and each picture is counted once") {
  const Image white{20, 20, std::vector<std::uint8_t>(1200, 255)}, grey{20, 20, std::vector<std::uint8_t>(1200, 90)};
  CHECK(fingerprint_of(white).is_blank());
  CHECK_FALSE(fingerprint_of(test::photo(1)).is_blank());
  std::size_t counted = 0;
  CHECK(find_near_pairs({fingerprint_of(white), fingerprint_of(grey), fingerprint_of(white)}, 1, [&] {
          ++counted;
        }).empty());
  CHECK(counted == 3);
}

TEST_CASE("the hash of a mirrored window is that of the mirrored picture") {
  const Image image = test::photo(5);
  const auto hashes = hashes_of(fingerprint_of(image)), mirrored = hashes_of(fingerprint_of(test::mirrored(image)));
  CHECK(std::popcount(hashes[0] ^ mirrored[1]) <= 2);
  CHECK(std::popcount(hashes[0] ^ mirrored[0]) > 10);
  CHECK(window(0).left == 0);
  CHECK(window(0).right == 1);
  CHECK_FALSE(window(0).mirrored);
  CHECK(window(1).mirrored);
}

TEST_CASE("the hash of a window is that of the picture cut there") {
  const Image image = test::photo(9, 200);
  const auto hashes = hashes_of(fingerprint_of(image));
  for (std::size_t w = 0; w < kWindows; w += 2) {
    const Window part = window(w);
    const auto pixels = [](double share) { return static_cast<int>(200 * share + 0.5); };
    const Image cut_there =
        cut(image, pixels(part.left), pixels(part.top), 200 - pixels(part.right), 200 - pixels(part.bottom));
    INFO(w);
    CHECK(std::popcount(hashes[w] ^ hashes_of(fingerprint_of(cut_there))[0]) <= 4);
  }
}

TEST_CASE("sets that share a member are one group") {
  CHECK(joined_groups(9, {}).empty());
  CHECK(joined_groups(9, {{1, 2}, {7, 8}, {3, 4}, {4, 2}}) == Groups{{1, 2, 3, 4}, {7, 8}});
  CHECK(joined_groups(5, {{4, 0}, {3}, {0, 4}}) == Groups{{0, 4}});
}

}  // namespace
}  // namespace tandem::tools
