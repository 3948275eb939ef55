#include "data/list/copies.h"

#include <string>
#include <vector>

#include "data/list/image_list.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using Lines = std::vector<std::string>;

/// Files whose content does not matter, but in that it differs.
struct Fixture {
  ImageList list(const std::string& name, const std::string& text) const {
    return ImageList::load(dir.write(name, text), {}, 3);
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }
  test::TempDir dir;
};

TEST_CASE("copies of training images among the evaluation's are found by content") {
  const Fixture f;
  const std::string large(100000, 'x'), head(8000, 'h');
  const std::pair<const char*, std::string> files[] = {
      {"a.png", "one"},          {"b.png", "two"},       {"c.png", large + "c"},     {"copy.jpg", "one"},
      {"d.png", "six"},          {"e.png", large + "e"}, {"large.png", large + "c"}, {"tail.png", "Y" + head},
      {"other.png", "Z" + head}, {"empty1.png", ""},     {"empty2.png", ""}};
  for (const auto& [name, content] : files) f.dir.write(name, content);
  std::filesystem::create_symlink("b.png", f.dir / "link.png");
  const ImageList train = f.list("train.txt", "a.png 0\nb.png 1\nc.png 2\ntail.png 0\nempty1.png 0\n");
  const ImageList none = f.list("none.txt", "d.png 0\ne.png 1\nother.png 2\nempty2.png 1\n");
  const ImageList some = f.list("some.txt", "d.png 0\nlarge.png 2\nlink.png 1\ncopy.jpg 0\na.png 0\n");
  for (const unsigned threads : {1U, 3U}) {
    CHECK(find_copies(train, &none, threads).shared == 0);
    const Copies copies = find_copies(train, &some, threads);
    CHECK(copies.shared == 4);
    CHECK(copies.first_shared == f.path("large.png") + " is " + f.path("c.png"));
    CHECK(copies.two_labels == 0);
    CHECK(find_copies(train, nullptr, threads).shared == 0);
  }
  CHECK(copy_remarks(train, &some) ==
        Lines{"warning: 4 of the 5 evaluation images are training images too; the first: " + f.path("large.png") +
              " is " + f.path("c.png")});
  CHECK(copy_remarks(train, &none).empty());
  CHECK(copy_remarks(train).empty());
}

TEST_CASE("a file with two labels is told, whatever it is called") {
  const Fixture f;
  for (const char* name : {"a.png", "b.png"}) f.dir.write(name, name);
  f.dir.write("a again.png", "a.png");
  const auto told = [&](const std::string& text) { return copy_remarks(f.list("list.txt", text)); };
  const std::string list = f.path("list.txt");
  CHECK(told("a.png 0\nb.png 1\na.png 0\na again.png 0\n").empty());
  CHECK(told("a.png 0\nb.png 1\na.png 1\n") ==
        Lines{"warning: an image has two labels: " + f.path("a.png") + " (" + list + ":1) is '0', " + f.path("a.png") +
              " (" + list + ":3) is '1'"});
  CHECK(told("a.png 0\nb.png 1\na again.png 2\nb.png 2\n") ==
        Lines{"warning: 2 images have two labels; the first: " + f.path("a.png") + " (" + list + ":1) is '0', " +
              f.path("a again.png") + " (" + list + ":3) is '2'"});
  // In the training under one, in the evaluation under the other.
  const ImageList train = f.list("train.txt", "a.png 0\nb.png 1\n"), eval = f.list("eval.txt", "a again.png 1\n");
  CHECK(find_copies(train, &eval).two_labels == 1);
  CHECK(copy_remarks(train, &eval).size() == 2);
  // In folders.
  f.dir.write("set/mug/1.png", "same");
  f.dir.write("set/shoe/9.png", "same");
  CHECK(copy_remarks(ImageList::load(f.dir / "set")) ==
        Lines{"warning: an image has two labels: " + f.path("set/mug/1.png") + " is 'mug', " +
              f.path("set/shoe/9.png") + " is 'shoe'"});
}

}  // namespace
}  // namespace tandem
