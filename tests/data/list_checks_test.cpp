#include "data/list_checks.h"

#include <string>
#include <vector>

#include "core/error.h"
#include "data/image.h"
#include "tests/data/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;

TEST_CASE("bad images are found whichever thread meets them first") {
  const test::TempDir dir;
  std::string text;
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i) + ".png";
    if (i % 9 == 5)
      dir.write(name, "no image");
    else
      write_png(test::patterned(4, 6), dir / name);
    text += name + " 0\n";
  }
  const ImageList list = ImageList::load(dir.write("list.txt", text));
  for (const unsigned threads : {1U, 3U}) {
    const std::vector<BadImage> bad = find_bad_images(list, threads, 3);
    REQUIRE(bad.size() == 3);
    CHECK((bad[0].index == 5 && bad[1].index == 14 && bad[2].index == 23));
    CHECK(find_bad_images(list, threads, 100).size() == 4);
    CHECK(contains(test::message_of<InputError>([&] { check_decodes(list, threads); }),
                   "list.txt:6: " + (dir / "5.png").string() + ": not an image"));
  }
  const ImageList good = ImageList::load(dir.write("good.txt", "0.png 0\n1.png 1\n"));
  CHECK_NOTHROW(check_decodes(good));
}

}  // namespace
}  // namespace tandem
