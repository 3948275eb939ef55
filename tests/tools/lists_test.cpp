// tandem-data split and dedupe as their users call them.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "data/list/image_list.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_run.h"
#include "tests/tools/photos.h"

namespace tandem {
namespace {

using test::check_refused;
using test::has_part;
using test::run_to_end;

std::set<std::string> names_in(const std::filesystem::path& list) {
  const ImageList images = ImageList::load(list);
  std::set<std::string> names;
  for (std::size_t i = 0; i < images.size(); ++i)
    names.insert(std::filesystem::path(images.sample(i).path).lexically_normal().string());
  REQUIRE(names.size() == images.size());
  return names;
}

/// Thirty photos of ten uploaders in two folders, "red hat" and "tie": set/red hat/u3-12.png.
struct Photos {
  Photos() {
    for (std::uint32_t i = 0; i < 30; ++i) {
      const std::filesystem::path file = dir / ("set/" + std::string(i % 3 == 0 ? "red hat" : "tie") + "/u" +
                                                std::to_string(i % 10) + "-" + std::to_string(i) + ".png");
      std::filesystem::create_directories(file.parent_path());
      write_png(test::photo(i, 48), file);
    }
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }
  test::Outcome split(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> command = {"tandem-data", "split", path("set"), "--out", path(out)};
    command.insert(command.end(), more.begin(), more.end());
    return run_to_end(command);
  }
  test::TempDir dir;
};

TEST_CASE("split writes lists that read as the data set, each image in one of them") {
  const Photos photos;
  const auto before = test::snapshot(photos.dir / "set");
  const test::Outcome outcome = photos.split("lists", {"--parts", "train=0.6,val=0.2,test=0.2"});
  REQUIRE(outcome.status == 0);
  CHECK(has_part(outcome.out, "train: 18 images, 60.00 % of 30\n"));
  CHECK(test::snapshot(photos.dir / "set") == before);
  std::set<std::string> all;
  for (const auto& [name, images] : {std::pair("train", 18), std::pair("val", 6), std::pair("test", 6)}) {
    const auto path = photos.dir / ("lists/" + std::string(name) + ".txt");
    const ImageList list = ImageList::load(path);
    CHECK(list.classes() == std::vector<std::string>{"red hat", "tie"});
    std::size_t hats = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      CHECK(has_part(list.sample(i).path, list.label(i) == 0 ? "/red hat/" : "/tie/"));
      hats += list.label(i) == 0 ? 1 : 0;
    }
    CHECK(hats * 3 == static_cast<std::size_t>(images));
    all.merge(names_in(path));
  }
  CHECK(all.size() == 30);

  // The same seed, the same lists; another seed, others.
  const auto first = test::snapshot(photos.dir / "lists");
  REQUIRE(photos.split("lists", {"--parts", "train=0.6,val=0.2,test=0.2"}).status == 0);
  CHECK(test::snapshot(photos.dir / "lists") == first);
  REQUIRE(photos.split("lists", {"--parts", "train=0.6,val=0.2,test=0.2", "--seed", "2"}).status == 0);
  CHECK(test::snapshot(photos.dir / "lists") != first);
}

TEST_CASE("lists in the data's own folder name images relative to it") {
  const Photos photos;
  REQUIRE(photos.split(".").status == 0);
  const std::string list = test::read_file(photos.dir / "train.txt");
  CHECK(list.rfind("./set/", 0) == 0);
  CHECK(has_part(list, "\tred hat\n"));
  std::filesystem::rename(photos.dir / "set", photos.dir / "moved");
  std::filesystem::rename(photos.dir / "moved", photos.dir / "set");
  CHECK(names_in(photos.dir / "train.txt").size() == 24);
}

TEST_CASE("no uploader is in two parts, by a pattern or by a table") {
  const Photos photos;
  std::string table = "path\tuploader\n";
  for (int i = 0; i < 30; ++i)
    table += "u" + std::to_string(i % 10) + "-" + std::to_string(i) + "\tuploader " + std::to_string(i % 10) + "\n";
  photos.dir.write("people.tsv", table);
  const std::vector<std::vector<std::string>> ways = {
      {"--group-regex", "/(u[0-9])-"}, {"--groups", photos.path("people.tsv"), "--by-group", "uploader"}};
  for (std::vector<std::string> way : ways) {
    way.insert(way.end(), {"--parts", "a=0.5,b=0.5"});
    const test::Outcome outcome = photos.split("lists", way);
    REQUIRE(outcome.status == 0);
    CHECK(has_part(outcome.out, "groups of two images or more: 10\n"));
    std::set<std::string> uploaders[2];
    for (const int part : {0, 1})
      for (const std::string& name : names_in(photos.dir / (part == 0 ? "lists/a.txt" : "lists/b.txt")))
        uploaders[part].insert(std::filesystem::path(name).filename().string().substr(0, 2));
    CHECK(uploaders[0].size() == 5);
    CHECK(uploaders[1].size() == 5);
    for (const std::string& one : uploaders[0]) CHECK(uploaders[1].count(one) == 0);
  }
}

TEST_CASE("equal files stay in one part, near duplicates if that is asked for") {
  const test::TempDir dir;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::string number = std::to_string(i);
    for (const char* kind : {"a/", "b/", "c/"}) std::filesystem::create_directories(dir / kind);
    write_png(test::photo(i, 96), dir / ("a/" + number + ".png"));
    std::filesystem::copy_file(dir / ("a/" + number + ".png"), dir / ("b/" + number + ".png"));
    write_png(test::mirrored(test::photo(i, 96)), dir / ("c/" + number + ".png"));
  }
  std::string list;
  for (const char* kind : {"a/", "b/", "c/"})
    for (int i = 0; i < 8; ++i) list += kind + std::to_string(i) + ".png 0\n";
  dir.write("list.txt", list);
  const auto parted = [&](std::vector<std::string> more, const std::string& one, const std::string& other) {
    std::vector<std::string> command = {
        "tandem-data", "split",      (dir / "list.txt").string(), "--out", (dir / "lists").string(),
        "--parts",     "x=0.5,y=0.5"};
    command.insert(command.end(), more.begin(), more.end());
    REQUIRE(run_to_end(command).status == 0);
    const auto first = names_in(dir / "lists/x.txt");
    std::size_t count = 0;
    for (int i = 0; i < 8; ++i) {
      const std::string file = "/" + std::to_string(i) + ".png";
      count += first.count((dir / (one + file)).string()) != first.count((dir / (other + file)).string()) ? 1 : 0;
    }
    return count;
  };
  CHECK(parted({}, "a", "b") == 0);
  CHECK(parted({}, "a", "c") > 0);
  CHECK(parted({"--near-duplicates-together"}, "a", "b") == 0);
  CHECK(parted({"--near-duplicates-together"}, "a", "c") == 0);
}

TEST_CASE("dedupe keeps the largest of each picture, and deletes nothing") {
  const test::TempDir dir;
  write_png(test::photo(1, 96), dir / "small.png");
  write_png(test::photo(1, 160), dir / "large.png");
  write_png(test::photo(2), dir / "alone.png");
  write_png(test::photo(3), dir / "first.png");
  std::filesystem::copy_file(dir / "first.png", dir / "copy.png");
  write_png(test::photo(4), dir / "hat.png");
  write_png(test::mirrored(test::photo(4)), dir / "shoe.png");
  dir.write("bad.png", "no image");
  dir.write("classes.txt", "hat\nshoe\n");
  dir.write("list.txt",
            "small.png hat\nlarge.png hat\nalone.png shoe\nfirst.png hat\ncopy.png hat\nhat.png hat\nshoe.png shoe\n"
            "bad.png hat\n");
  const auto before = test::snapshot(dir.path());
  const std::string list = (dir / "list.txt").string(), out = (dir / "clean.txt").string();
  const test::Outcome outcome = run_to_end({"tandem-data", "dedupe", list, "--out", out});
  REQUIRE(outcome.status == 0);
  CHECK(test::read_file(out) == "./large.png\that\n./alone.png\tshoe\n./first.png\that\n");
  CHECK(has_part(outcome.out, "left out: " + (dir / "small.png").string() + " (" + list + ":1): the same picture as " +
                                  (dir / "large.png").string()));
  CHECK(has_part(outcome.out, "copy.png (" + list + ":5): the same file as " + (dir / "first.png").string()));
  CHECK(has_part(outcome.out, "hat.png (" + list + ":6): is 'hat', but the same picture " +
                                  (dir / "shoe.png").string() + " (" + list + ":7) is 'shoe'"));
  CHECK(has_part(outcome.out, "left out: " + list + ":8: " + (dir / "bad.png").string() + ": not an image"));
  CHECK(has_part(outcome.out, "3 of 8 images\n"));
  auto after = test::snapshot(dir.path());
  after.erase(out);
  CHECK(after == before);

  REQUIRE(run_to_end({"tandem-data", "dedupe", list, "--out", out, "--exact"}).status == 0);
  CHECK(test::read_file(out) ==
        "./small.png\that\n./large.png\that\n./alone.png\tshoe\n./first.png\that\n./hat.png\that\n./shoe.png\tshoe\n");
}

TEST_CASE("classes that are numbers keep their meaning") {
  const test::TempDir dir;
  std::string list;
  for (std::uint32_t i = 0; i < 6; ++i) {
    write_png(test::photo(i, 32), dir / (std::to_string(i) + ".png"));
    list += std::to_string(i) + ".png " + (i < 3 ? "0" : "2") + "\n";
  }
  dir.write("list.txt", list);
  const std::string out = (dir / "out/list.txt").string();
  REQUIRE(run_to_end({"tandem-data", "dedupe", (dir / "list.txt").string(), "--out", out}).status == 0);
  CHECK(ImageList::load(out).labels() == ImageList::load(dir / "list.txt").labels());
  CHECK(ImageList::load(out).classes() == ImageList::load(dir / "list.txt").classes());
}

TEST_CASE("split and dedupe refuse what cannot be done, and leave no list behind") {
  const Photos photos;
  const auto before = test::snapshot(photos.dir.path());
  check_refused(photos.split("lists", {"--parts", "a=0.5,b=0.6"}), "--parts: the shares sum to 1.1");
  check_refused(photos.split("lists", {"--by-group", "who"}), "--by-group: expected --groups FILE");
  check_refused(photos.split("lists", {"--groups", photos.path("none.csv"), "--by-group", "who"}), "none.csv");
  check_refused(photos.split("lists", {"--group-regex", "set"}), "--parts: no image is left for val");
  photos.dir.write("other/classes.txt", "cap\ntie\n");
  check_refused(photos.split("other"), "classes.txt: has other classes than the data");
  check_refused(photos.split("set/tie/u1-1.png"), "u1-1.png: cannot write");
  const std::string image = photos.path("set/tie/u1-1.png");
  check_refused(run_to_end({"tandem-data", "dedupe", photos.path("set"), "--out", image}), "an image");
  photos.dir.write("list.txt", "set/tie/u1-1.png 0\n");
  const std::string list = photos.path("list.txt");
  check_refused(run_to_end({"tandem-data", "dedupe", list, "--out", list}), "is what is read");
  std::filesystem::remove(list);
  std::filesystem::remove_all(photos.dir / "other");
  CHECK(test::snapshot(photos.dir.path()) == before);
}

}  // namespace
}  // namespace tandem
