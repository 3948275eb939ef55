#include "data/list/image_walk.h"

#include <sys/stat.h>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using Paths = std::vector<std::string>;

/// The paths below a folder of these names.
Paths below(const test::TempDir& dir, const Paths& names) {
  Paths paths;
  for (const std::string& name : names) paths.push_back((dir / name).string());
  return paths;
}

TEST_CASE("a folder stands for every file in it and below, in the order of their paths") {
  const test::TempDir dir;
  const Paths all =
      below(dir, {"set/a.png", "set/b/1.JPG", "set/b/c/2.webp", "set/b/notes.txt", "set/video", "set/z.tif"});
  for (const char* name :
       {"set/a.png", "set/b/1.JPG", "set/b/c/2.webp", "set/b/notes.txt", "set/video", "set/z.tif", "set/.hidden.png",
        "set/.thumbs/3.png", "set/@eaDir/a.png/THUMB.jpg", "set/__MACOSX/b/1.JPG"})
    dir.write(name, "");
  const std::string single = dir.write("single.dat", "").string();
  CHECK(find_image_files({(dir / "set").string()}).paths == all);
  Paths many = {single};
  many.insert(many.end(), all.begin(), all.end());
  many.push_back(all[1]);
  CHECK(find_image_files({single, (dir / "set").string(), all[1]}).paths == many);
}

TEST_CASE("links to folders are followed and circles broken") {
  const test::TempDir dir;
  dir.write("set/a.png", "");
  dir.write("set/deep/b.png", "");
  dir.write("elsewhere/c.png", "");
  dir.write("elsewhere/more/d.png", "");
  const auto link = [&](const char* to, const char* name) {
    std::filesystem::create_directory_symlink(dir / to, dir / name);
  };
  link("elsewhere", "set/monday");
  link("elsewhere", "set/tuesday");
  link("set", "set/round");
  link("set", "set/deep/round");
  link("elsewhere", "elsewhere/more/self");
  std::filesystem::create_directory_symlink("..", dir / "set/deep/up");
  const ImageFiles files = find_image_files({(dir / "set").string()});
  CHECK(files.paths == below(dir, {"set/a.png", "set/deep/b.png", "set/monday/c.png", "set/monday/more/d.png",
                                   "set/tuesday/c.png", "set/tuesday/more/d.png"}));
  CHECK(files.circles ==
        below(dir, {"set/deep/round", "set/deep/up", "set/monday/more/self", "set/round", "set/tuesday/more/self"}));
  // Two folders that lead to each other.
  dir.write("one/1.png", "");
  dir.write("two/2.png", "");
  link("two", "one/two");
  link("one", "two/one");
  const ImageFiles pair = find_image_files({(dir / "one").string()});
  CHECK(pair.paths == below(dir, {"one/1.png", "one/two/2.png"}));
  CHECK(pair.circles == below(dir, {"one/two/one"}));
  // One that is named itself.
  CHECK(find_image_files({(dir / "set/monday").string()}).paths ==
        below(dir, {"set/monday/c.png", "set/monday/more/d.png"}));
}

TEST_CASE("what is no file and no folder has its place among the files") {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "set");
  std::filesystem::create_symlink("nowhere.png", dir / "set/1.png");
  std::filesystem::create_symlink("2.png", dir / "set/2.png");
  REQUIRE(mkfifo((dir / "set/3.png").c_str(), 0600) == 0);
  CHECK(find_image_files({(dir / "set").string()}).paths == below(dir, {"set/1.png", "set/2.png", "set/3.png"}));
}

TEST_CASE("names without files are refused") {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "empty/inner");
  dir.write("empty/.hidden", "");
  const auto refusal = [](const Paths& names) {
    return test::message_of<InputError>([&] { find_image_files(names); });
  };
  const std::string nowhere = (dir / "nowhere").string(), empty = (dir / "empty").string();
  CHECK(test::contains(refusal({nowhere}), nowhere + ": no such image file or folder"));
  CHECK(test::contains(refusal({empty}), empty + ": no files there"));
}

}  // namespace
}  // namespace tandem
