// scripts/predict_with_torch.py computes what tandem-predict does, whatever the image file.

#include <sys/wait.h>

#include <cstdlib>
#include <sstream>

#include "tests/data/image/exif_block.h"
#include "tests/data/image/jpeg_file.h"
#include "tests/data/image/pictures.h"
#include "tests/data/image/png_kinds.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using nlohmann::json;
using test::jpeg_content;

/// What is asked of Python: TANDEM_PYTHON, or else python3.
std::string python() {
  const char* named = std::getenv("TANDEM_PYTHON");
  return named == nullptr ? "python3" : named;
}

int status_of(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

/// Images of every kind in the folder "kinds", many of them turned.
std::vector<std::string> write_images(const test::TinyRun& run) {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& content, const char* ending) {
    const std::string name = "kinds/" + std::to_string(paths.size()) + ending;
    paths.push_back(run.dir().write(name, content).string());
  };
  Random random(1, RandomPurpose::test);
  for (const test::PngKind& kind : test::kPngKinds) {
    if (kind.colour_type == 2 && kind.depth == 16 && kind.transparency) continue;  // Pillow drops bits
    test::PngFile png = random_png(kind, 40, 60, false, random);
    png.chunks_after = test::png_chunk("eXIf", test::tiff_block(1 + static_cast<int>(paths.size() % 8)));
    add(png_content(png), ".png");
    png.chunks_after =
        test::png_chunk("iTXt", std::string("XML:com.adobe.xmp\0\0\0\0\0", 22) + R"(<x tiff:Orientation="8"/>)");
    add(png_content(png), ".png");
  }
  const Image picture = test::smooth(40, 60);
  for (int orientation = 1; orientation <= 8; ++orientation)
    add(test::with_segments(test::jpeg_content(picture), test::exif_segment(test::tiff_block(orientation))), ".jpg");
  for (const int channels : {1, 4}) add(test::jpeg_content(picture, {channels, true, 0, 90}), ".jpg");
  add(test::with_segments(test::jpeg_content(picture), test::exif_segment("no TIFF")), ".jpg");
  const std::string xmp = R"(<rdf:Description tiff:Orientation="6"/>)";
  const std::string packet = test::jpeg_segment(0xE1, std::string("http://ns.adobe.com/xap/1.0/\0", 29) + xmp);
  for (const std::string& exif :
       {std::string(), test::exif_segment(test::tiff_block(3)), test::exif_segment("no TIFF")})
    add(test::with_segments(test::jpeg_content(picture), packet + exif), ".jpg");
  add(test::file_content(test::picture("rgb.bmp")), ".bmp");
#ifdef TANDEM_OPENCV
  for (const char* name : {"rgb.webp", "cutout.webp", "smooth.webp", "smooth_cutout.webp"}) {
    const std::string webp = test::file_content(test::picture(name));
    const bool small = std::string(name).rfind("smooth", 0) != 0, alpha = test::contains(name, "cutout");
    add(test::webp_with_exif(webp, small ? 4 : 12, small ? 6 : 16, alpha, test::tiff_block(6)), ".webp");
  }
#endif
  return paths;
}

bool has_torch() {
  return status_of(python() + " -c 'import torch, torchvision, PIL, numpy, safetensors' >/dev/null 2>&1") == 0;
}

void check_same(const test::TinyRun& run, const std::vector<std::string>& paths) {
  std::vector<std::string> argv = {"tandem-predict", run.last(), "--precision", "fp32", "--embeddings"};
  argv.insert(argv.end(), paths.begin(), paths.end());
  const test::Outcome predicted = test::run_to_end(argv);
  INFO(predicted.error);
  REQUIRE(predicted.status == 0);
  const std::string script = TANDEM_TEST_DATA "/../scripts/predict_with_torch.py";
  std::string command = python() + " '" + script + "' '" + run.last() + "'";
  for (const std::string& path : paths) command += " '" + path + "'";
  const int status = status_of(command + " >'" + run.path("out") + "' 2>'" + run.path("error") + "'");
  INFO(test::read_file(run.path("error")));
  REQUIRE(status == 0);

  const std::vector<json> ours = lines_of(predicted.out), theirs = lines_of(test::read_file(run.path("out")));
  REQUIRE(ours.size() == paths.size());
  REQUIRE(theirs.size() == paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    INFO(ours[i].dump() << '\n' << theirs[i].dump());
    CHECK(ours[i].at("image") == theirs[i].at("image"));
    CHECK(ours[i].at("label") == theirs[i].at("label"));
    CHECK(ours[i].at("probability").get<double>() == Approx(theirs[i].at("probability").get<double>()).epsilon(1e-4));
    double difference = 0, norm = 0;
    for (std::size_t k = 0; k < ours[i].at("embedding").size(); ++k) {
      const double a = ours[i]["embedding"][k], b = theirs[i]["embedding"][k];
      difference += (a - b) * (a - b);
      norm += b * b;
    }
    CHECK(difference <= 1e-8 * norm);
  }
}

TEST_CASE("the Python script labels every kind of image as tandem-predict does") {
  if (!has_torch())
    TANDEM_SKIP(python() + " has not torch, torchvision, Pillow, numpy and safetensors (TANDEM_PYTHON names another)");
  const test::TinyRun run;
  run.must_train({"data.eval=null", "train.epochs=2"});
  check_same(run, write_images(run));
}

TEST_CASE("the Python script makes every input that a run can have") {
  if (!has_torch())
    TANDEM_SKIP(python() + " has not torch, torchvision, Pillow, numpy and safetensors (TANDEM_PYTHON names another)");
  const std::vector<std::vector<std::string>> inputs = {
      {"model.input.channels=BGR", "model.input.scale=1", "model.input.mean=[104,117,123]",
       "model.input.std=[64,64,64]", "model.input.resize=squash", "model.input.antialias=false"},
      {"model.input.channels=BGR", "model.input.antialias=false", "model.input.crop=1"},
      {"model.input.interpolation=bicubic", "model.input.resize=squash", "model.input.crop=0.95"},
      {"model.input.resize=letterbox", "model.input.crop=1", "model.input.fill=[200,10,90]",
       "model.input.channels=BGR"},
      {"model.input.interpolation=lanczos", "model.input.mean=[0.5,0.5,0.5]", "model.input.std=[0.5,0.25,0.5]"}};
  for (const std::vector<std::string>& input : inputs) {
    CAPTURE(input);
    const test::TinyRun run;
    std::vector<std::string> set = {"data.eval=null", "train.epochs=1"};
    set.insert(set.end(), input.begin(), input.end());
    run.must_train(set);
    std::vector<std::string> paths = write_images(run);
    paths.resize(4);
    check_same(run, paths);
  }
}

}  // namespace
}  // namespace tandem
