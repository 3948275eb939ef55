// The program tandem-data as its users call it.

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "data/image/image.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"
#include "tests/data/image/png_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using test::contains;
using test::jpeg_content;

struct Outcome {
  int status;
  std::string out;
  std::string error;
};

Outcome tandem_data(const test::TempDir& dir, const std::string& arguments) {
  const std::string out = (dir / "stdout").string();
  const std::string error = (dir / "stderr").string();
  const std::string command = std::string(TANDEM_BIN) + "/tandem-data " + arguments + " >" + out + " 2>" + error;
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, test::file_content(out), test::file_content(error)};
}

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST_CASE("tandem data synth draws a data set and check accepts it") {
  const test::TempDir dir;
  const std::string set = (dir / "set").string();
  const Outcome drawn = tandem_data(dir, "synth --out " + set + " --classes 3 --train 2 --test 1 --size 16 --seed 4");
  REQUIRE(drawn.status == 0);
  CHECK(contains(drawn.out, "3 classes, 6 training and 3 test images"));
  CHECK(test::file_content(dir / "set/classes.txt") == "bag\nball\nbook\n");
  CHECK(test::file_content(dir / "set/test.txt") ==
        "test/bag/0001.png 0\ntest/ball/0001.png 1\ntest/book/0001.png 2\n");
  const Outcome checked = tandem_data(dir, "check " + set + "/train.txt");
  CHECK(checked.status == 0);
  CHECK(contains(checked.out, "2 ball\n"));
  CHECK(contains(checked.out, "6 images in 3 classes, 0 bad\n"));
  CHECK(tandem_data(dir, "check " + set + "/test").status == 0);
}

TEST_CASE("tandem data check reports every bad image and exits with 2") {
  const test::TempDir dir;
  for (const char* name : {"a.png", "b.png", "c.png"}) write_png(test::patterned(4, 6), dir / name);
  dir.write("b.png", "");
  const std::string jpeg = test::file_content(test::picture("smooth.jpg"));
  dir.write("c.png", jpeg.substr(0, jpeg.size() / 2));
  dir.write("list.txt", "a.png 0\nb.png 1\nc.png 1\n");
  const Outcome checked = tandem_data(dir, "check " + (dir / "list.txt").string());
  CHECK(checked.status == 2);
  CHECK(contains(checked.out, "3 images in 2 classes, 2 bad"));
  CHECK(lines(checked.error) == 2);
  CHECK(contains(checked.error, "list.txt:2: "));
  CHECK(contains(checked.error, "b.png: image file is empty"));
  CHECK(contains(checked.error, "c.png: truncated JPEG file"));
}

TEST_CASE("tandem data check says in lines of its own what the libraries warn of") {
  const test::TempDir dir;
  const std::string jpeg = jpeg_content(test::noise(64, 96, 1));
  const std::size_t half = jpeg.size() / 2;
  dir.write("a/noisy.jpg", jpeg.substr(0, half) + "noise in the middle" + jpeg.substr(half + 300));
  dir.write("a/good.jpg", jpeg);
  std::string png = test::file_content(test::picture("rgb.png"));
  png.insert(33, test::png_chunk("iCCP", std::string("x\0\0", 3) + test::stored_zlib("no profile")));
  dir.write("b/profile.png", png);
  const Outcome checked = tandem_data(dir, "check " + dir.path().string());
  CHECK(checked.status == 2);
  CHECK(lines(checked.error) == 1);
  CHECK(contains(checked.error, "error: " + dir.path().string()));
  CHECK(contains(checked.error, "noisy.jpg: JPEG file is damaged: "));
}

TEST_CASE("tandem data check refuses images with more pixels than it is told") {
  const test::TempDir dir;
  for (const char* name : {"a.png", "b.png"}) write_png(test::patterned(4, 6), dir / name);
  write_png(test::patterned(5, 6), dir / "c.png");
  dir.write("list.txt", "a.png 0\nb.png 1\nc.png 1\n");
  const std::string list = (dir / "list.txt").string();
  CHECK(tandem_data(dir, "check " + list).status == 0);
  const Outcome checked = tandem_data(dir, "check --max-pixels 29 " + list);
  CHECK(checked.status == 2);
  CHECK(lines(checked.error) == 1);
  CHECK(contains(checked.error, "c.png: image is 6x5 pixels: expected at most 29 in all"));
}

TEST_CASE("tandem data check tells what is not read") {
  const test::TempDir dir;
  for (const char* name : {"set/apple/1.png", "set/pear/1.png", "set/2.png"}) {
    std::filesystem::create_directories((dir / name).parent_path());
    write_png(test::patterned(4, 6), dir / name);
  }
  dir.write("set/pear/2.tif", "x");
  dir.write("set/classes.txt", "apple\nplum\npear\n");
  const Outcome checked = tandem_data(dir, "check " + (dir / "set").string());
  CHECK(checked.status == 0);
  CHECK(contains(checked.out, "/set: subfolders are the classes of " + (dir / "set/classes.txt").string() + "\n"));
  CHECK(contains(checked.out,
                 "warning: pictures with two labels: 1\n  the same file: " + (dir / "set/apple/1.png").string()));
  CHECK(contains(checked.out, "/set: classes without images: plum\n"));
  CHECK(contains(checked.out, "/set: not read: 1 file of other types, 1 outside the classes\n"));
}

TEST_CASE("tandem data refuses bad command lines and bad input with one line and status 2") {
  const test::TempDir dir;
  for (const std::string arguments :
       {"", "paint", "synth", "synth --out x --classes many", "synth --out x --classes 99", "synth --out /proc/nowhere",
        "check", "check /nowhere.txt", "synth --out x --colour red"}) {
    const Outcome outcome = tandem_data(dir, arguments);
    INFO("tandem-data " << arguments << ": " << outcome.error);
    CHECK(outcome.status == 2);
    CHECK(lines(outcome.error) == 1);
    CHECK(outcome.error.rfind("error: ", 0) == 0);
    CHECK(outcome.out.empty());
  }
  const Outcome help = tandem_data(dir, "--help");
  CHECK(help.status == 0);
  CHECK(contains(help.out, "synth"));
}

}  // namespace
}  // namespace tandem
