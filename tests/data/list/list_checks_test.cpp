#include "data/list/list_checks.h"

#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/image/image.h"
#include "data/list/image_list.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;
using Lines = std::vector<std::string>;

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
    CHECK(contains(test::message_of<InputError>([&] { check_decodes(list, kDefaultMaxPixels, threads); }),
                   "list.txt:6: " + (dir / "5.png").string() + ": not an image"));
  }
  const ImageList good = ImageList::load(dir.write("good.txt", "0.png 0\n1.png 1\n"));
  CHECK_NOTHROW(check_decodes(good));
}

void write_pictures(const test::TempDir& dir, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::filesystem::create_directories((dir / name).parent_path());
    write_png(test::patterned(4, 6), dir / name);
  }
}

TEST_CASE("classes without images and files that are not read are told") {
  const test::TempDir dir;
  write_pictures(dir, {"set/apple/1.png", "set/pear/1.png"});
  const std::string set = (dir / "set").string();
  const auto told = [&] { return remarks(ImageList::load(set)); };
  CHECK(told().empty());
  write_pictures(dir, {"set/0.png", "set/apple/old/2.png", "set/apple/old/older/3.png", "set/.thumbs/4.png",
                       "set/apple/.5.png", "set/apple/old/.6.png", "set/apple/old/.thumbs/7.png"});
  for (const char* name : {"set/apple/a.tif", "set/pear/a.HEIC", "set/kiwi/b.avif", "set/notes.txt"})
    dir.write(name, "x");
  CHECK(told() == Lines{set + ": subfolders without images, which are no classes: kiwi",
                        set + ": not read: 3 files of other types, 2 in deeper folders, 1 outside the classes"});
  CHECK(remarks(ImageList::load_known(set, {}, {"pear", "kiwi", "plum", "apple"}))[0] ==
        set + ": classes without images: kiwi, plum");
  const ImageList list = ImageList::load(dir.write("list.txt", "set/0.png 0\nset/apple/1.png 2\nset/0.png 0\n"));
  CHECK(remarks(list) == Lines{(dir / "list.txt").string() + ": classes without images: 1"});
}

TEST_CASE("images of one class are not enough") {
  const test::TempDir dir;
  write_pictures(dir, {"a.png", "b.png"});
  const auto error_of = [&](const std::string& text) {
    const ImageList list = ImageList::load(dir.write("list.txt", text), {}, 3);
    return test::message_of<InputError>([&] { require_two_classes(list); });
  };
  CHECK(error_of("a.png 1\nb.png 1\n") ==
        (dir / "list.txt").string() + ": all its images are of the class '1': expected two classes or more");
  CHECK(error_of("a.png 1\nb.png 2\n").empty());
}

}  // namespace
}  // namespace tandem
