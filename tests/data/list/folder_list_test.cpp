// Folders with a subfolder for each class.

#include <string>
#include <utility>

#include "core/base/error.h"
#include "data/image/image.h"
#include "data/list/image_list.h"
#include "tests/data/image/pictures.h"
#include "tests/data/list/list_contents.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;
using test::Labels;
using test::labels;
using test::Names;

/// A tree with two images of the class pear, one of apple, and things to ignore.
void write_tree(const test::TempDir& dir) {
  for (const char* name : {"set/pear/2.PNG", "set/pear/1.jpeg", "set/apple/3.png", "set/pear/.hidden.png",
                           "set/.thumbs/4.png", "set/pear/deeper/5.png"}) {
    std::filesystem::create_directories((dir / name).parent_path());
    write_png(test::patterned(4, 6), dir / name);
  }
  dir.write("set/pear/notes.txt", "not an image");
}

TEST_CASE("a folder gives a class for each subfolder in the order of names") {
  const test::TempDir dir;
  write_tree(dir);
  for (const std::string suffix : {"", "/"}) {
    const ImageList list = ImageList::load((dir / "set").string() + suffix);
    CHECK(list.classes() == Names{"apple", "pear"});
    CHECK(labels(list) == Labels{0, 1, 1});
    CHECK(std::filesystem::path(list.sample(1).path).filename() == "1.jpeg");
    CHECK(std::filesystem::path(list.sample(2).path).filename() == "2.PNG");
  }
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir / "set", {}, 3); }),
                 "2 subfolders (apple, pear): expected 3"));
}

TEST_CASE("classes numbered by classes txt are the same for a list and a folder") {
  const test::TempDir dir;
  write_tree(dir);
  dir.write("classes.txt", "pear\nplum\napple\n");
  for (const std::string suffix : {"", "/"}) {
    const ImageList list = ImageList::load((dir / "set").string() + suffix, {}, 3);
    CHECK(list.classes() == Names{"pear", "plum", "apple"});
    CHECK(labels(list) == Labels{2, 0, 0});
  }
  dir.write("classes.txt", "pear\nplum\n");
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir / "set"); }),
                 "subfolder 'apple' is none of the classes of " + (dir / "classes.txt").string() + " (pear, plum)"));
}

TEST_CASE("the subfolders of a folder are matched with the classes of the network") {
  const test::TempDir dir;
  write_tree(dir);
  const ImageList list = ImageList::load_known(dir / "set", {}, {"pear", "apple", "citrus"});
  CHECK(list.classes() == Names{"pear", "apple", "citrus"});
  CHECK(labels(list) == Labels{1, 0, 0});
  Names many;
  for (int i = 0; i < 1000; ++i) many.push_back("class " + std::to_string(i));
  const std::string where = (dir / "set").string() + ": subfolder 'apple' is none of the network's classes ";
  CHECK(test::message_of<InputError>([&] {
          ImageList::load_known(dir / "set", {}, {"pear", "kiwi"});
        }) == where + "(pear, kiwi)");
  CHECK(test::message_of<InputError>([&] { ImageList::load_known(dir / "set", {}, many); }) ==
        where + "(class 0, class 1, class 2, class 3, class 4, class 5, class 6, class 7, ... 1000 in all)");
}

TEST_CASE("a folder whose name is not UTF-8 or that links lead to in a circle is no class") {
  const test::TempDir dir;
  write_tree(dir);
  const auto error = [&] { return test::message_of<InputError>([&] { ImageList::load(dir / "set"); }); };
  dir.write("set/caf\xE9/a.png", "");
  CHECK(error() == (dir / "set").string() + ": the name of the subfolder 'caf\xE9' is not UTF-8");
  std::filesystem::remove_all(dir / "set/caf\xE9");
  for (const char* loop : {"set/loop", "set/pear/loop.png"}) {
    std::filesystem::create_symlink(std::filesystem::path(loop).filename(), dir / loop);
    CHECK(contains(error(), (dir / loop).string() + ": cannot read: "));
    std::filesystem::remove(dir / loop);
  }
  CHECK(error().empty());
}

TEST_CASE("what systems leave and folders without images are no classes") {
  const test::TempDir dir;
  write_tree(dir);
  for (const char* name : {"set/__MACOSX/pear/1.png", "set/__MACOSX/1.png", "set/@eaDir/1.png", "set/lost+found/1.png",
                           "set/pear/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "set/notes/read.me", "set/kiwi/deeper/1.png"})
    dir.write(name, "x");
  std::filesystem::create_directory(dir / "set/plum");
  const std::string set = (dir / "set").string();
  for (const char* classes : {"", "apple\npear\n"}) {
    if (*classes != 0) dir.write("classes.txt", classes);
    const ImageList list = ImageList::load(set, {}, 2);
    CHECK(list.classes() == Names{"apple", "pear"});
    CHECK(list.size() == 3);
    CHECK(list.oddities() == Names{set + ": subfolders without images, which are no classes: kiwi, notes, plum",
                                   set + ": not read: 2 files of other types, 2 in deeper folders"});
    CHECK(list.unread().deeper == 2);  // kiwi's and pear's
    CHECK(list.unread().other_types == 2);
  }
  CHECK(ImageList::load_known(set, {}, {"pear", "apple"}).size() == 3);
}

TEST_CASE("links to classes and within them are followed, circles are told") {
  const test::TempDir dir;
  write_tree(dir);
  const std::string set = (dir / "set").string();
  dir.write("elsewhere/one.png", "x");
  dir.write("elsewhere/deep/two.png", "x");
  std::filesystem::create_directory_symlink(dir / "elsewhere", dir / "set/kiwi");
  std::filesystem::create_directory_symlink(set, dir / "set/round");
  std::filesystem::create_directory_symlink(dir / "elsewhere", dir / "set/apple/more");
  std::filesystem::create_directory_symlink(set, dir / "set/apple/set");
  dir.write("set/top.png", "x");
  const ImageList list = ImageList::load(set);
  CHECK(list.classes() == Names{"apple", "kiwi", "pear"});
  CHECK(list.size() == 4);
  CHECK(list.unread().outside == 1);
  CHECK(list.unread().deeper == 4);  // pear's one, kiwi's one, apple's two
  CHECK(list.oddities() ==
        Names{set + "/apple/set: a loop of links, not followed",
              set + ": links back to the folder, not followed: round",
              set + ": not read: 1 file of other types, 4 in deeper folders, 1 outside the classes"});
}

TEST_CASE("files without an ending are images by their content") {
  const test::TempDir dir;
  write_tree(dir);
  std::filesystem::copy_file(dir / "set/apple/3.png", dir / "set/apple/IMG_0001");
  std::filesystem::copy_file(dir / "set/apple/3.png", dir / "set/apple/b.JFIF");
  std::filesystem::copy_file(dir / "set/apple/3.png", dir / "set/apple/c.part");
  dir.write("set/apple/README", "no image");
  const ImageList list = ImageList::load(dir / "set");
  CHECK(labels(list) == Labels{0, 0, 0, 1, 1});
  CHECK(list.unread().other_types == 3);
}

TEST_CASE("a folder without classes or images is refused") {
  const test::TempDir dir;
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir.path()); }), "no subfolders"));
  dir.write("pear/notes.txt", "x");
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir.path()); }), "no images in its subfolders"));
}

}  // namespace
}  // namespace tandem
