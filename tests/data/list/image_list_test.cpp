#include "data/list/image_list.h"

#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "data/image/image.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;

/// A folder with the images a.png, b.png and "c d.png".
class Fixture {
 public:
  Fixture() {
    for (const char* name : {"a.png", "b.png", "c d.png"}) write_png(test::patterned(4, 6), dir / name);
  }
  ImageList load(const std::string& text, std::optional<int> classes = {}) const {
    return ImageList::load(dir.write("list.txt", text), {}, classes);
  }
  std::string error_of(const std::string& text, std::optional<int> classes = {}) const {
    return test::message_of<InputError>([&] { load(text, classes); });
  }
  std::string list() const { return (dir / "list.txt").string(); }

  test::TempDir dir;
};

std::vector<std::int32_t> labels(const ImageList& list) {
  std::vector<std::int32_t> result;
  for (std::size_t i = 0; i < list.size(); ++i) result.push_back(list.label(i));
  return result;
}

using Labels = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

TEST_CASE("a list gives paths and labels and where they stand") {
  const Fixture f;
  const ImageList list = f.load("a.png 1\nb.png 0\n./a.png\t2");
  CHECK(labels(list) == Labels{1, 0, 2});
  CHECK(list.classes() == Names{"0", "1", "2"});
  CHECK(list.sample(1).path == (f.dir / "b.png").string());
  CHECK(list.sample(1).label == 0);
  CHECK(list.sample(1).origin == f.list() + ":2");
  CHECK(list.sample(2).path == (f.dir / "a.png").string());
}

TEST_CASE("CRLF and a byte order mark and blank lines and spaces in paths are accepted") {
  const Fixture f;
  const ImageList list = f.load(
      "\xEF\xBB\xBF"
      "a.png 0\r\n\r\n   \t\r\n  c d.png   2  \r\n\nb.png 1");
  CHECK(labels(list) == Labels{0, 2, 1});
  CHECK(list.sample(0).path == (f.dir / "a.png").string());
  CHECK(list.sample(1).path == (f.dir / "c d.png").string());
  CHECK(list.sample(1).origin == f.list() + ":4");
  CHECK(list.sample(2).origin == f.list() + ":6");
}

TEST_CASE("relative paths start at the root and absolute ones do not") {
  const Fixture f;
  const std::string absolute = (f.dir / "b.png").string();
  const auto list_path = f.dir.write("lists/deep/list.txt", "a.png 0\n" + absolute + " 1\n");
  const ImageList list = ImageList::load(list_path, f.dir.path());
  CHECK(list.sample(0).path == (f.dir / "a.png").string());
  CHECK(list.sample(1).path == absolute);
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(list_path); }), "no such image file"));
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(list_path, f.dir / "nowhere"); }),
                 "nowhere: no such folder"));
}

TEST_CASE("a bad line of a list is refused with file and line") {
  const Fixture f;
  const std::string at = f.list() + ":2: ";
  CHECK(f.error_of("a.png 0\nb.png one\n") == at + "label 'one' is not an integer: expected 'path label'; "
                                                   "names need a classes.txt beside the list");
  CHECK(contains(f.error_of("a.png 0\nb.png 1.5\n"), at + "label '1.5' is not an integer: expected 'path label'"));
  CHECK(contains(f.error_of("a.png 0\nb.png 99999999999\n"), at + "label '99999999999'"));
  CHECK(f.error_of("a.png 0\nb.png -1\n") == at + "label -1 is negative: expected a class from 0");
  CHECK(f.error_of("a.png 0\nb.png\n") ==
        at + "'b.png' has no label: expected 'path label', a blank or tab between them");
  CHECK(contains(f.error_of("a.png 0\nb.png,1\n"), at + "'b.png,1' has no label"));
  CHECK(contains(f.error_of("a.png 0\nc d.png\n"), at + "label 'd.png' is not an integer"));
}

TEST_CASE("a label out of range is refused") {
  const Fixture f;
  CHECK(f.error_of("a.png 0\nb.png 2\n", 2) == f.list() + ":2: label 2 is too large: expected 0 to 1 (2 classes)");
  CHECK(f.load("a.png 0\nb.png 1\n", 5).classes().size() == 5);
  f.dir.write("classes.txt",
              "\xEF\xBB\xBF"
              "apple\r\ngreen pear\r\n\r\n");
  CHECK(f.load("a.png 0\nb.png 1\n").classes() == Names{"apple", "green pear"});
  CHECK(contains(f.error_of("a.png 0\n\nb.png 2\n"), ":3: label 2 is too large"));
  CHECK(contains(f.error_of("a.png 0\n", 3), "classes.txt: names 2 classes: expected 3"));
  f.dir.write("classes.txt", "apple\npear\napple\n");
  CHECK(contains(f.error_of("a.png 0\n"), "classes.txt:3: class 'apple' is already on line 1"));
}

TEST_CASE("missing images are counted and the first is named") {
  const Fixture f;
  CHECK(f.error_of("a.png 0\nx.png 0\nb.png 0\ny.png 1\n") ==
        f.list() + ":2: " + (f.dir / "x.png").string() + ": no such image file (2 of the list's 4 are missing)");
}

TEST_CASE("a list that is missing or empty or no text is refused") {
  const Fixture f;
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(f.dir / "none.txt"); }),
                 "none.txt: no such image list or folder"));
  CHECK(contains(f.error_of(""), "the list is empty"));
  CHECK(contains(f.error_of("\xEF\xBB\xBF\r\n \n"), "the list is empty"));
  CHECK(contains(f.error_of(std::string("a\0p\0", 4)), "not a text file"));
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(f.dir / "a.png"); }), "a.png: not a text file"));
}

TEST_CASE("text that is not UTF-8 is refused with its line") {
  const Fixture f;
  CHECK(f.error_of("a.png 0\ncaf\xE9.png 1\n") == f.list() + ":2: not UTF-8");
  f.dir.write("classes.txt", "apple\n\nap\xFCl\n");
  CHECK(f.error_of("a.png 0\n") == (f.dir / "classes.txt").string() + ":3: not UTF-8");
  f.dir.write("classes.txt", "apple\n\xC3\xBC\n");
  CHECK(f.load("a.png 0\n").classes() == Names{"apple", "\xC3\xBC"});
}

TEST_CASE("what is no file or cannot be looked at is refused when the list is loaded") {
  const Fixture f;
  std::filesystem::create_directory(f.dir / "folder.png");
  std::filesystem::create_symlink("loop.png", f.dir / "loop.png");
  std::filesystem::create_symlink("a.png", f.dir / "link.png");
  const std::string at = f.list() + ":2: " + f.dir.path().string() + "/";
  CHECK(f.load("a.png 0\nlink.png 1\n").size() == 2);
  CHECK(f.error_of("a.png 0\nfolder.png 1\n") == at + "folder.png: not a file: expected an image");
  CHECK(contains(f.error_of("a.png 0\nloop.png 1\n"), at + "loop.png: cannot read: "));
  CHECK(contains(f.error_of("x.png 0\nloop.png 1\n"), at + "loop.png: cannot read: "));
  CHECK(
      contains(test::message_of<InputError>([&] { ImageList::load(f.dir / "loop.png"); }), "loop.png: cannot read: "));
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(f.list(), f.dir / "loop.png"); }),
                 "loop.png: cannot read: "));
  std::filesystem::create_directory(f.dir / "classes.txt");
  CHECK(f.error_of("a.png 0\n") == (f.dir / "classes.txt").string() + ": is a folder: expected a text file");
}

TEST_CASE("a label far beyond the number of images is refused unless the classes are known") {
  const Fixture f;
  CHECK(contains(f.error_of("a.png 0\nb.png 5000\n"), f.list() + ":2: label 5000 of 2 images: expected classes"));
  CHECK(contains(f.error_of("a.png 2\nb.png 0\n"), f.list() + ":1: label 2 of 2 images"));
  CHECK(f.load("a.png 0\nb.png 1\n").classes().size() == 2);
  CHECK(f.load("a.png 0\nb.png 5000\n", 6000).classes().size() == 6000);
}

TEST_CASE("a label may be the name of a class") {
  const Fixture f;
  CHECK(contains(f.error_of("a.png apple\n"), "names need a classes.txt beside the list"));
  f.dir.write("classes.txt", "pear\napple\ngreen pear\n1\nc\n");
  const ImageList list =
      f.load("a.png apple\nb.png pear\nc d.png \t green pear \na.png 1\na.png\t1\nb.png 2\nb.png  c\n");
  CHECK(labels(list) == Labels{1, 0, 2, 1, 1, 2, 4});
  CHECK(list.sample(2).path == (f.dir / "c d.png").string());
  CHECK(list.sample(6).path == (f.dir / "b.png").string());
  CHECK(f.error_of("a.png plum\n") ==
        f.list() + ":1: label 'plum' is not an integer and none of the classes of " + (f.dir / "classes.txt").string() +
            " (pear, apple, green pear, 1, c): expected 'path label', a tab before names with blanks");
}

TEST_CASE("the labels of a list become those of the network by name") {
  const Fixture f;
  const auto load = [&](const std::string& text) {
    return ImageList::load_known(f.dir.write("list.txt", text), {}, {"apple", "citrus", "pear"});
  };
  const auto error = [&](const std::string& text) { return test::message_of<InputError>([&] { load(text); }); };
  CHECK(labels(load("a.png 2\nb.png citrus\n")) == Labels{2, 1});
  CHECK(load("a.png 0\n").classes() == Names{"apple", "citrus", "pear"});
  CHECK(error("a.png 3\n") == f.list() + ":1: label 3 is too large: expected 0 to 2 (the network's classes)");
  CHECK(contains(error("a.png kiwi\n"), "none of the network's classes (apple, citrus, pear)"));
  f.dir.write("classes.txt", "pear\nkiwi\napple\n");
  CHECK(labels(load("a.png 0\nb.png apple\n")) == Labels{2, 0});
  CHECK(error("a.png 0\nb.png 1\n") ==
        f.list() + ":2: class 'kiwi' is none of the network's classes (apple, citrus, pear)");
}

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
  std::filesystem::create_directory(dir / "set/caf\xE9");
  CHECK(error() == (dir / "set").string() + ": the name of the subfolder 'caf\xE9' is not UTF-8");
  std::filesystem::remove(dir / "set/caf\xE9");
  for (const char* loop : {"set/loop", "set/pear/loop.png"}) {
    std::filesystem::create_symlink(std::filesystem::path(loop).filename(), dir / loop);
    CHECK(contains(error(), (dir / loop).string() + ": cannot read: "));
    std::filesystem::remove(dir / loop);
  }
  CHECK(error().empty());
}

TEST_CASE("a folder without classes or images is refused") {
  const test::TempDir dir;
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir.path()); }), "no subfolders"));
  dir.write("pear/notes.txt", "x");
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir.path()); }), "no images in its subfolders"));
}

}  // namespace
}  // namespace tandem
