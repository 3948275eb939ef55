#include "data/image_list.h"

#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/image.h"
#include "tests/data/pictures.h"
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
      "a.png 0\r\n\r\n   \t\r\n  c d.png   3  \r\n\nb.png 1");
  CHECK(labels(list) == Labels{0, 3, 1});
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
  CHECK(f.error_of("a.png 0\nb.png one\n") == at + "label 'one' is not an integer: expected 'path label'");
  CHECK(f.error_of("a.png 0\nb.png 1.5\n") == at + "label '1.5' is not an integer: expected 'path label'");
  CHECK(contains(f.error_of("a.png 0\nb.png 99999999999\n"), at + "label '99999999999'"));
  CHECK(contains(f.error_of("a.png 0\nb.png 99999999\n"), "too large"));
  CHECK(f.error_of("a.png 0\nb.png -1\n") == at + "label -1 is negative: expected a class from 0");
  CHECK(f.error_of("a.png 0\nb.png\n") == at + "'b.png' has no label: expected 'path label'");
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
  CHECK(
      contains(test::message_of<InputError>([&] { ImageList::load(dir / "set", {}, 3); }), "2 subfolders: expected 3"));
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
                 "subfolder 'apple' is no class of classes.txt"));
}

TEST_CASE("a folder without classes or images is refused") {
  const test::TempDir dir;
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir.path()); }), "no subfolders"));
  dir.write("pear/notes.txt", "x");
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(dir.path()); }), "no images in its subfolders"));
}

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
