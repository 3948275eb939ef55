// tandem-data check and stats as their users call them: what they find, and how they tell it.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/data/image/exif_block.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_run.h"
#include "tests/tools/photos.h"

namespace tandem {
namespace {

using test::check_refused;
using test::has_part;
using test::run_to_end;

/// train/ and test/ with the classes hat and <shoe>: one photo of the training is in the test mirrored, one has two
/// labels, one file is there twice, one is damaged.
struct Set {
  Set() {
    add("train/hat/1.png", test::photo(1));
    add("train/hat/2.png", test::photo(2));
    add("train/hat/3.png", test::photo(3));
    add("train/<shoe>/1.png", test::photo(4));
    add("train/<shoe>/2.png", test::photo(3));
    add("train/<shoe>/3.png", test::photo(4));
    add("test/hat/1.png", test::mirrored(test::photo(1)));
    add("test/<shoe>/1.png", test::resized(test::photo(8), 60, 150));
    dir.write("test/<shoe>/2.png", "no image");
  }
  void add(const std::string& name, const Image& image) const {
    std::filesystem::create_directories((dir / name).parent_path());
    write_png(image, dir / name);
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }
  test::Outcome run(const std::string& command, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"tandem-data", command, path("train"), path("test")};
    words.insert(words.end(), more.begin(), more.end());
    return run_to_end(words);
  }
  nlohmann::json json(const std::string& command) const {
    run(command, {"--json", path("report.json")});
    return nlohmann::json::parse(test::read_file(dir / "report.json"));
  }
  test::TempDir dir;
};

TEST_CASE("stats finds copies, near duplicates, leaks and labels that contradict") {
  const Set set;
  const test::Outcome outcome = set.run("stats");
  CHECK(outcome.status == 2);  // the damaged one
  CHECK(test::count_lines(outcome.error) == 1);
  CHECK(has_part(outcome.out, "9 images in 2 classes, 1 bad\n"));
  CHECK(
      has_part(outcome.out, "warning: pictures with two labels: 1\n  the same file: " + set.path("train/<shoe>/2.png") +
                                " '<shoe>', " + set.path("train/hat/3.png") + " 'hat'\n"));
  CHECK(has_part(outcome.out, "warning: pictures in two parts: 1\n  the same picture: " + set.path("train/hat/1.png") +
                                  ", " + set.path("test/hat/1.png") + "\n"));
  CHECK(has_part(outcome.out, "EXIF orientation:  1: 8\n"));
  CHECK(has_part(outcome.out, "Width to height:  4:5–5:4: 7  ≥ 2:1: 1\n"));

  const nlohmann::json json = set.json("stats");
  CHECK(json["images"] == 9);
  CHECK(json["counts"] ==
        nlohmann::json{
            {"bad", 1}, {"exact_copies", 2}, {"near_copies", 1}, {"two_labels", 1}, {"two_parts", 1}, {"outliers", 0}});
  CHECK(json["classes"][0] == nlohmann::json{{"name", "<shoe>"}, {"images", {3, 2}}});
  CHECK(json["bad"][0]["path"] == set.path("test/<shoe>/2.png"));
  CHECK(json["bad"][0]["part"] == set.path("test"));
  REQUIRE(json["near_pairs"].size() == 1);
  CHECK(json["near_pairs"][0]["mirrored"] == true);
  CHECK(json["near_pairs"][0]["first"] == set.path("train/hat/1.png"));
  CHECK(json["distributions"]["formats"] == nlohmann::json{{{"value", "PNG"}, {"images", 8}}});
}

TEST_CASE("check finds equal files, and knows nothing of near duplicates") {
  const Set set;
  const nlohmann::json json = set.json("check");
  CHECK(json["counts"]["exact_copies"] == 2);
  CHECK(json["counts"]["two_labels"] == 1);
  CHECK(json["counts"]["two_parts"] == 0);
  CHECK(json["near_pairs"].empty());
  CHECK_FALSE(json.contains("distributions"));
}

TEST_CASE("the exit status tells the kinds of findings") {
  const Set set;
  CHECK(set.run("check").status == 2);
  CHECK(set.run("check", {"--strict"}).status == 2 + 8);
  CHECK(set.run("stats", {"--strict"}).status == 2 + 8 + 16);
  std::filesystem::remove(set.dir / "test/<shoe>/2.png");
  CHECK(set.run("stats").status == 0);
  CHECK(set.run("stats", {"--strict"}).status == 8 + 16);
  std::filesystem::remove(set.dir / "train/<shoe>/2.png");
  CHECK(set.run("stats", {"--strict"}).status == 16);
  CHECK(set.run("check", {"--strict"}).status == 0);
  std::filesystem::copy_file(set.dir / "train/hat/2.png", set.dir / "test/hat/9.png");
  CHECK(set.run("check", {"--strict"}).status == 16);
}

TEST_CASE("the report is one page with small pictures and nothing of the data unescaped") {
  const Set set;
  set.run("stats", {"--report", set.path("report.html")});
  const std::string page = test::read_file(set.dir / "report.html");
  CHECK(has_part(page, "<h2>Pictures with two labels (1)</h2>"));
  CHECK(has_part(page, "<h2>Pictures in two parts (1)</h2>"));
  CHECK(has_part(page, "<h2>Bad images (1)</h2>"));
  CHECK(has_part(page, "src=\"data:image/png;base64,iVBOR"));
  CHECK(has_part(page, "prefers-color-scheme: dark"));
  CHECK(has_part(page, "&lt;shoe&gt;"));
  CHECK_FALSE(has_part(page, "<shoe>"));
  CHECK_FALSE(has_part(page, "http"));
  CHECK(has_part(page, "</body></html>\n"));
}

TEST_CASE("stats tells orientations and cameras") {
  const test::TempDir dir;
  const auto number = [](std::uint32_t value, int bytes) { return test::bytes_of(value, bytes, false); };
  const std::string tiff = "II" + number(42, 2) + number(8, 4) + number(2, 2) + number(0x010F, 2) + number(2, 2) +
                           number(4, 4) + std::string("ABC\0", 4) + number(0x0112, 2) + number(3, 2) + number(1, 4) +
                           number(6, 4) + number(0, 4);
  const std::string jpeg = test::jpeg_content(test::photo(1));
  dir.write("a/1.jpg", test::with_segments(jpeg, test::exif_segment(tiff)));
  dir.write("a/2.jpg", jpeg);
  const test::Outcome outcome = run_to_end({"tandem-data", "stats", dir.path().string()});
  CHECK(outcome.status == 0);
  CHECK(has_part(outcome.out, "EXIF orientation:  1: 1  6: 1\n"));
  CHECK(has_part(outcome.out, "Cameras:  ABC: 1  none named: 1\n"));
}

TEST_CASE("a checkpoint's network looks for outliers") {
  const test::TinyRun run;
  REQUIRE(run_to_end({"tandem-train", run.path("config.json")}).status == 0);
  const std::string set = run.path("set/train.txt");
  const test::Outcome outcome = run_to_end({"tandem-data", "stats", set, "--json", run.path("report.json"), "--model",
                                            run.path("run/checkpoints/last.safetensors")});
  INFO(outcome.error);
  CHECK(outcome.status == 0);
  CHECK(nlohmann::json::parse(test::read_file(run.path("report.json")))["counts"]["outliers"] == 0);
  check_refused(run_to_end({"tandem-data", "stats", set, "--model", set}), "train.txt");
  check_refused(run_to_end({"tandem-data", "stats", set, "--model", "/nowhere"}), "/nowhere");
}

TEST_CASE("check and stats refuse bad input with one line") {
  const Set set;
  check_refused(run_to_end({"tandem-data", "check", set.path("train"), set.path("train")}), "named twice");
  check_refused(set.run("stats", {"--report", set.path("train")}), "--report: ");
  check_refused(set.run("stats", {"--json", set.path("train/hat/1.png")}), "--json: ");
  check_refused(set.run("check", {"--json", "/proc/nowhere/x.json"}), "/proc/nowhere");
  check_refused(set.run("check", {"--model", "x"}), "--model");
}

}  // namespace
}  // namespace tandem
