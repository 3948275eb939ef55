// The program tandem-convert, from files to a checkpoint and a listing.

#include "inference/model/model_file.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_models.h"
#include "tests/weights/files.h"

namespace tandem {
namespace {

using test::contains;
using test::Outcome;

struct Converting {
  test::TempDir folder;
  std::string model = folder.write("net.caffemodel", test::CaffeBuilder().resnet().net.SerializeAsString()).string();
  std::string out = (folder / "out.safetensors").string();

  static Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "tandem-convert");
    return test::run_to_end(std::move(arguments));
  }
  static void check_refused(const Outcome& outcome, const std::string& part) {
    INFO(outcome.error);
    CHECK(outcome.status == 2);
    CHECK(contains(outcome.error, part));
    CHECK(std::count(outcome.error.begin(), outcome.error.end(), '\n') == 1);
  }
};

TEST_CASE("tandem-convert lists any file of weights") {
  const Outcome torch = Converting::run({"--inspect", test::weights_fixture("zip.pth").string()});
  CHECK(torch.status == 0);
  CHECK(contains(torch.out, "format: PyTorch (zip)\narch: resnet50\nbest: 76.5\nepoch: 90\n"));
  CHECK(contains(torch.out, "state_dict.conv.weight                           F32 (2, 3, 4)\n"));
  CHECK(contains(torch.out, "note: passed over without a look inside: argparse.Namespace\n13 tensors, 0.0 MB\n"));
  const Converting files;
  const Outcome caffe = Converting::run({"--inspect", files.model});
  CHECK(contains(caffe.out, "format: Caffe\nname: tiny\n"));
  CHECK(contains(caffe.out, "answer[0]                                        F32 (3, 16)\n"));
}

TEST_CASE("tandem-convert makes a checkpoint of a Caffe model") {
  const Converting files;
  const std::string classes = files.folder.write("classes.txt", "cat\ndog\nowl\n").string();
  const Outcome outcome = Converting::run({files.model, files.out, "--classes", classes, "--mean", "1,2,3"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.out, "taken      conv1.weight                     (4, 3, 7, 7)         F32 stem[0]\n"));
  CHECK(contains(outcome.out, "random     embedding.0.weight               (1024, 16)           not in the file\n"));
  CHECK(contains(outcome.out, "note: input: BGR, minus (1, 2, 3), times 1\n"));
  CHECK(contains(outcome.out, "written: " + files.out + "\n"));
  const ModelFile model(files.out);
  CHECK(model.description().classes == std::vector<std::string>{"cat", "dog", "owl"});
  CHECK(model.description().input.size == 64);
  CHECK(model.description().input.bgr);
  CHECK(model.description().input.scale == 1);
  CHECK(model.description().input.mean == std::array<double, 3>{1, 2, 3});
  CHECK(model.description().input.deviation == std::array<double, 3>{1, 1, 1});
  CHECK(model.file().find("model.fc.weight")->shape == std::vector<std::int64_t>{3, 16});
}

TEST_CASE("tandem-convert writes down how images become the input") {
  const Converting files;
  const Outcome outcome = Converting::run(
      {files.model, files.out, "--size", "48", "--squash", "--crop", "0.75", "--no-antialias", "--scale", "0.5"});
  INFO(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.out, R"("input":{"channels":"BGR","size":48,"resize":[64,64],"interpolation":"bilinear",)"
                              R"("crop":"center","mean":[104.0,117.0,123.0],"std":[2.0,2.0,2.0],"scale":1.0})"));
  REQUIRE(Converting::run({files.model, files.out, "--channels", "RGB", "--interpolation", "bicubic"}).status == 0);
  const InputDescription input = ModelFile(files.out).description().input;
  CHECK_FALSE(input.bgr);
  CHECK(input.mean == std::array<double, 3>{123, 117, 104});
  CHECK(input.resampling == Resampling{Interpolation::bicubic, true});
  Converting::check_refused(Converting::run({files.model, files.out, "--interpolation", "lanczos", "--no-antialias"}),
                            "--no-antialias: expected");
}

TEST_CASE("tandem-convert says in a line what it cannot use") {
  const Converting files;
  Converting::check_refused(Converting::run({files.model}), "expected a file to write");
  Converting::check_refused(Converting::run({files.model, files.model}), "one of the files to read");
  Converting::check_refused(Converting::run({files.model, files.out, "--inspect"}), "expected one file to list");
  Converting::check_refused(Converting::run({files.model, files.out, "--key", "model"}), "has no key model");
  Converting::check_refused(Converting::run({files.model, files.out, "--scale", "-1"}), "--scale");
  Converting::check_refused(
      Converting::run({files.model, files.out, "--classes", files.folder.write("two", "a\nb\n").string()}),
      "its classifier has 3 classes, but 2 are named");
  Converting::check_refused(
      Converting::run({files.model, files.out, "--classes", files.folder.write("gap", "a\n\nb\n").string()}),
      "gap:2: expected the name of a class");
  Converting::check_refused(Converting::run({test::weights_fixture("hostile_system.pth").string(), files.out}),
                            "imports posix.system: refused, and nothing was run");
  Converting::check_refused(Converting::run({test::weights_fixture("zip.pth").string(), files.out}), "no ResNet");
  Converting::check_refused(
      Converting::run({test::weights_fixture("zip.pth").string(), files.out, "--net", files.model}),
      "expected a Caffe model beside a prototxt");
  CHECK_FALSE(std::filesystem::exists(files.out));
}

}  // namespace
}  // namespace tandem
