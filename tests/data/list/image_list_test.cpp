#include "data/list/image_list.h"

#include <string>
#include <utility>

#include "core/base/error.h"
#include "data/image/image.h"
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
  const ImageList old = f.load("a.png 0\rb.png 1\r");
  CHECK(labels(old) == Labels{0, 1});
  CHECK(old.sample(1).origin == f.list() + ":2");
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
  f.dir.write("classes.txt", "pear\napple\ngreen pear\n3\nc\n");
  const ImageList list =
      f.load("a.png apple\nb.png pear\nc d.png \t green pear \na.png 1\na.png\t3\nb.png 2\nb.png  c\n");
  CHECK(labels(list) == Labels{1, 0, 2, 1, 3, 2, 4});
  CHECK(list.sample(2).path == (f.dir / "c d.png").string());
  CHECK(list.sample(6).path == (f.dir / "b.png").string());
  CHECK(f.error_of("a.png plum\n") ==
        f.list() + ":1: label 'plum' is not an integer and none of the classes of " + (f.dir / "classes.txt").string() +
            " (pear, apple, green pear, 3, c): expected 'path label', with a tab before a name that has blanks");
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

/// Images in folders called 0 to 11, one each; in the order of their names: 0, 1, 10, 11, 2, ...
const Names kByName = {"0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"};
void write_numbered_tree(const test::TempDir& dir, const std::string& set) {
  for (const std::string& name : kByName) {
    std::filesystem::create_directories(dir / (set + "/" + name));
    write_png(test::patterned(4, 6), dir / (set + "/" + name + "/a.png"));
  }
}
/// The list of the same images, labelled by the folders' numbers plus `first`.
std::string numbered_list(const std::string& prefix, int first = 0) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += fmt::format("{}{}/a.png {}\n", prefix, i, first + i);
  return text;
}
/// For each image, the folder it is in and the name of its class.
bool classes_are_folders(const ImageList& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string folder = std::filesystem::path(list.sample(i).path).parent_path().filename();
    if (list.classes()[static_cast<std::size_t>(list.label(i))] != folder) return false;
  }
  return list.size() == 12;
}

TEST_CASE("labels that are numbers mean the folders of these names, not their places") {
  const test::TempDir dir;
  write_numbered_tree(dir, "set");
  const ImageList folder = ImageList::load(dir / "set");
  CHECK(folder.classes() == kByName);
  CHECK(classes_are_folders(folder));
  const auto list = dir.write("list.txt", numbered_list("set/"));
  const ImageList alone = ImageList::load(list);
  CHECK(classes_are_folders(alone));
  CHECK(alone.classes()[2] == "2");
  CHECK(classes_are_folders(ImageList::load_known(list, {}, folder.classes())));
  CHECK(classes_are_folders(ImageList::load_known(dir / "set", {}, alone.classes())));
  CHECK(classes_are_folders(ImageList::load_known(list, {}, alone.classes())));
  CHECK(ImageList::load_known(list, {}, folder.classes()).naming() ==
        list.string() + ": labels are matched by name with the network's classes");
  CHECK(test::message_of<InputError>([&] {
          ImageList::load_known(dir.write("list.txt", numbered_list("set/", 1)), {}, folder.classes());
        }) == list.string() +
                  ":12: label 12 is none of the network's classes (0, 1, 10, 11, 2, 3, 4, 5, ... 12 in all): "
                  "expected 'path label', with a tab before a name that has blanks");
}

TEST_CASE("numbers count from one and have zeros in front as the names of the classes do") {
  const test::TempDir dir;
  write_numbered_tree(dir, "set");
  const Names from_one = {"1", "10", "11", "12", "2", "3", "4", "5", "6", "7", "8", "9"};
  const auto list = dir.write("list.txt", numbered_list("set/", 1));
  const ImageList ones = ImageList::load_known(list, {}, from_one);
  for (std::size_t i = 0; i < 12; ++i)
    CHECK(ones.classes()[static_cast<std::size_t>(ones.label(i))] == std::to_string(i + 1));
  Names padded;
  for (int i = 1; i <= 12; ++i) padded.push_back(fmt::format("{:03}", i));
  CHECK(labels(ImageList::load_known(list, {}, padded)) == Labels{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(contains(test::message_of<InputError>(
                     [&] { ImageList::load_known(dir.write("list.txt", numbered_list("set/")), {}, padded); }),
                 "list.txt:1: label 0 is none of the network's classes (001, 002"));
  const Names articles = {"4006381333931", "4006381333948"};
  const auto article = [&](const std::string& label) {
    return ImageList::load_known(dir.write("one.txt", "set/0/a.png " + label + "\n"), {}, articles).label(0);
  };
  CHECK(article("4006381333948") == 1);
  CHECK(
      contains(test::message_of<InputError>([&] { article("1"); }), "label 1 is none of the network's classes (4006"));
  // Two names that are the same number: only the very name will do.
  const auto one = [&](const std::string& label) {
    return ImageList::load_known(dir.write("one.txt", "set/0/a.png " + label + "\n"), {}, {"x", "01", "1"}).label(0);
  };
  CHECK(one("01") == 1);
  CHECK(one("1") == 2);
  CHECK(contains(test::message_of<InputError>([&] { one("001"); }), "label 001 is none of"));
}

TEST_CASE("a classes txt that calls classes by other numbers than their own is refused for labels that are numbers") {
  const test::TempDir dir;
  write_numbered_tree(dir, "set");
  std::string sorted, in_order;
  for (const std::string& name : kByName) sorted += name + "\n";
  for (int i = 0; i < 12; ++i) in_order += std::to_string(i) + "\n";
  const auto list = dir.write("list.txt", numbered_list("set/"));
  const auto refusal = [&](const Names& known) {
    return test::message_of<InputError>(
        [&] { known.empty() ? ImageList::load(list) : ImageList::load_known(list, {}, known); });
  };
  const std::string classes = dir.write("classes.txt", sorted).string();
  const std::string contradicts = list.string() + ":1: label 0 is ambiguous: of the classes of " + classes +
                                  ", number 2 is named '10': expected the names 0, 1, 2, ... in this order, or no "
                                  "classes.txt";
  CHECK(refusal({}) == contradicts);
  CHECK(refusal(kByName) == contradicts);
  // For a folder it gives the order alone.
  CHECK(classes_are_folders(ImageList::load(dir / "set")));
  dir.write("classes.txt", in_order);
  CHECK(classes_are_folders(ImageList::load(list)));
  CHECK(classes_are_folders(ImageList::load_known(list, {}, kByName)));
  CHECK(ImageList::load(dir / "set").classes()[2] == "2");
  // From one on: the label 1 would be the class 2.
  dir.write("classes.txt", "1\n2\n3\n");
  CHECK(contains(
      test::message_of<InputError>([&] { ImageList::load(dir.write("list.txt", "set/1/a.png 1\nset/2/a.png 2\n")); }),
      "number 0 is named '1'"));
  // Labels that are no numbers mean names whatever else there is.
  dir.write("classes.txt", "pear\n7\n");
  CHECK(ImageList::load(dir.write("list.txt", "set/1/a.png pear\n")).label(0) == 0);
}

TEST_CASE("composed and decomposed names are one name") {
  const std::string composed = "Gl\xC3\xA4ser", decomposed = "Gla\xCC\x88ser";
  const test::TempDir dir;
  const auto draw = [&](const std::string& name) {
    std::filesystem::create_directories((dir / name).parent_path());
    write_png(test::patterned(4, 6), dir / name);
  };
  draw("train/" + composed + "/1.png");
  draw("train/mug/1.png");
  draw("val/" + decomposed + "/2.png");
  const ImageList train = ImageList::load(dir / "train");
  const ImageList val = ImageList::load(dir / "val");
  CHECK(train.classes() == Names{composed, "mug"});
  CHECK(val.classes() == Names{composed});
  CHECK(labels(ImageList::load_known(dir / "val", {}, train.classes())) == Labels{0});
  CHECK(labels(ImageList::load_known(dir / "val", {}, {"mug", decomposed})) == Labels{1});
  // In lists, in labels as in paths.
  dir.write("classes.txt", "mug\n" + decomposed + "\n");
  const auto list = dir.write(
      "list.txt", "train/" + decomposed + "/1.png " + composed + "\nval/" + composed + "/2.png\t" + decomposed + "\n");
  CHECK(labels(ImageList::load(list)) == Labels{1, 1});
  CHECK(labels(ImageList::load_known(list, {}, train.classes())) == Labels{0, 0});
  CHECK(ImageList::load(list).sample(0).path == (dir / ("train/" + composed + "/1.png")).string());
  dir.write("classes.txt", composed + "\n" + decomposed + "\n");
  CHECK(contains(test::message_of<InputError>([&] { ImageList::load(list); }), "is already on line 1"));
  std::filesystem::remove(dir / "classes.txt");
  // Both in one folder.
  draw("train/" + decomposed + "/3.png");
  const ImageList both = ImageList::load(dir / "train");
  CHECK(both.classes() == Names{composed, "mug"});
  CHECK(labels(both) == Labels{0, 0, 1});
  REQUIRE(both.oddities().size() == 1);
  CHECK(contains(both.oddities()[0], "two subfolders are one class, '" + composed + "'"));
}

TEST_CASE("a list's path through a linked folder leads where the system says") {
  const Fixture f;
  f.dir.write("elsewhere/deep/x.png", "");
  write_png(test::patterned(4, 6), f.dir / "elsewhere/e.png");
  std::filesystem::create_directory_symlink(f.dir / "elsewhere/deep", f.dir / "link");
  // What "link/.." is by its letters has no such image; what it is by the link has.
  const ImageList list = f.load("link/../e.png 0\n././a.png 1\n");
  CHECK(test::file_content(list.sample(0).path) == test::file_content(f.dir / "elsewhere/e.png"));
  CHECK(list.sample(1).path == (f.dir / "a.png").string());
  CHECK(contains(f.error_of("link/../a.png 0\n"), "no such image file"));
}

TEST_CASE("where the names of classes come from is told") {
  const test::TempDir dir;
  write_numbered_tree(dir, "set");
  const std::string set = (dir / "set").string();
  const Names letters = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
  const auto list = dir.write("list.txt", numbered_list("set/"));
  CHECK(ImageList::load(set).naming() == set + ": the classes are named after its subfolders");
  CHECK(ImageList::load(list).naming() ==
        list.string() + ": there is no classes.txt: the classes are named by their numbers");
  CHECK(ImageList::load_known(set, {}, kByName).naming() ==
        set + ": subfolders are matched by name with the network's classes");
  CHECK(ImageList::load_known(list, {}, letters).naming() ==
        list.string() + ": labels are names or numbers of the network's classes: 0 is 'a'");
  std::string names;
  for (int i = 0; i < 12; ++i) names += std::to_string(i) + "\n";
  const std::string classes = dir.write("classes.txt", names).string();
  CHECK(ImageList::load(set).naming() == set + ": subfolders are the classes of " + classes);
  CHECK(ImageList::load(list).naming() == list.string() + ": labels refer to the classes of " + classes);
  CHECK(ImageList::load_known(list, {}, kByName).naming() ==
        list.string() + ": labels refer to the classes of " + classes + ", matched by name with the network's classes");
}

TEST_CASE("the classes txt beside a folder is found where the folder is called by dots") {
  const test::TempDir dir;
  write_numbered_tree(dir, "data/set");
  std::filesystem::create_directory(dir / "data/set/0/deep");
  std::string names;
  for (int i = 0; i < 12; ++i) names += std::to_string(i) + "\n";
  dir.write("data/classes.txt", names);
  for (const char* name : {"data/set", "data/set/.", "data/set/0/..", "data/set/0/../"})
    CHECK(ImageList::load((dir / name).string()).classes()[2] == "2");
}

}  // namespace
}  // namespace tandem
