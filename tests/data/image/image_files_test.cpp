#include "data/image/image_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using Paths = std::vector<std::string>;

TEST_CASE("image files come in the order of the names given, a folder's in the order of its own") {
  const test::TempDir dir;
  const auto made = [&](const std::string& name) { return dir.write(name, "").string(); };
  const Paths inside = {made("set/a.JPG"), made("set/b/2.webp"), made("set/b/z/1.png"), made("set/c.bmp"),
                        made("set/d.jpeg")};
  made("set/notes.txt");
  made("set/b/thumbs.db");
  made("set/.hidden.png");
  made("set/.trash/old.png");
  const std::string single = made("upload");  // no extension is asked of a file that is named itself

  const ImageFiles alone = find_image_files({(dir / "set").string()});
  CHECK(alone.paths == inside);
  CHECK(alone.other_types == 2);
  Paths all = {single};
  all.insert(all.end(), inside.begin(), inside.end());
  all.push_back(inside[2]);
  CHECK(find_image_files({single, (dir / "set").string(), inside[2]}).paths == all);
}

TEST_CASE("links to images are followed, links to folders within a folder are not") {
  const test::TempDir dir;
  dir.write("set/a.png", "");
  dir.write("elsewhere/b.png", "");
  std::filesystem::create_symlink(dir / "elsewhere/b.png", dir / "set/b.png");
  std::filesystem::create_symlink(dir / "gone.png", dir / "set/c.png");
  std::filesystem::create_directory_symlink(dir / "set", dir / "set/round");
  CHECK(find_image_files({(dir / "set").string()}).paths ==
        Paths{(dir / "set/a.png").string(), (dir / "set/b.png").string(), (dir / "set/c.png").string()});
  std::filesystem::create_directory_symlink(dir / "elsewhere", dir / "link");
  CHECK(find_image_files({(dir / "link").string()}).paths == Paths{(dir / "link/b.png").string()});
}

TEST_CASE("names without images are refused") {
  const test::TempDir dir;
  dir.write("empty/notes.txt", "");
  const auto refusal = [](const Paths& names) {
    return test::message_of<InputError>([&] { find_image_files(names); });
  };
  const std::string nowhere = (dir / "nowhere").string(), empty = (dir / "empty").string();
  CHECK(test::contains(refusal({nowhere}), nowhere + ": no such image file or folder"));
  CHECK(test::contains(refusal({empty}), empty + ": no images there"));
}

}  // namespace
}  // namespace tandem
