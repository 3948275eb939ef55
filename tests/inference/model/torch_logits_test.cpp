// torchvision's and timm's networks, read from each of PyTorch's formats, compute PyTorch's logits. Needs a Python with
// torchvision and safetensors, which TANDEM_PYTHON names (scripts/evidence/torch-logits.sh).

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "core/backend/host_copy.h"
#include "inference/model/import.h"
#include "inference/model/model_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/support/worst.h"
#include "tests/weights/files.h"

namespace tandem {
namespace {

/// The largest difference of any logit, relative to the largest of the logits.
double difference(Backend& backend, DType compute, TwinTowers& network, const SafetensorsFile& answers,
                  const std::string& size) {
  const SafetensorsEntry &pixels = *answers.find("pixels" + size), &logits = *answers.find("logits" + size);
  Tensor bytes = backend.empty({pixels.shape[0], pixels.shape[1], pixels.shape[2], 3}, DType::u8);
  backend.copy_from_host(pixels.data.data(), bytes);
  Tensor images = backend.empty(bytes.shape(), compute);
  backend.normalize_images(bytes, images);
  Context context{backend, compute};
  const std::vector<double> ours = download(backend, network.forward(context, images).logits.value());
  const std::vector<double> theirs = test::values_of<double>(logits);
  REQUIRE(ours.size() == theirs.size());
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    worst = std::max(worst, std::abs(ours[i] - theirs[i]));
    largest = std::max(largest, std::abs(theirs[i]));
  }
  return worst / largest;
}

/// The largest differences of a file's network, in f64 and in f32, over pictures of three sizes.
struct Differences {
  double wide = 0, narrow = 0;
};

Differences differences(const std::string& name, const std::filesystem::path& path, const std::filesystem::path& out,
                        const SafetensorsFile& answers) {
  ResNetWeights weights = read_resnet({path, "", ""});
  const ModelDescription description = describe_import(path, {}, weights);
  CHECK(description.backbone.name == name);
  CHECK(description.backbone.resnet == ResNetVariant());
  CHECK(description.classes.size() == 7);
  (void)write_import(path, weights, description, out);
  const ModelFile file(out);
  const auto backend = make_cpu_backend(), reference = make_reference_backend();
  TwinTowers wide(*reference, DType::f64, tower_options(description)),
      narrow(*backend, DType::f32, tower_options(description));
  file.load(*reference, wide);
  file.load(*backend, narrow);
  Differences worst;
  for (const std::string size : {"64", "75", "96"}) {
    test::include_worst(worst.narrow, difference(*backend, DType::f32, narrow, answers, size));
    // In f64, which takes long, for one format is enough.
    if (path.filename() == "zip.pth")
      test::include_worst(worst.wide, difference(*reference, DType::f64, wide, answers, size));
  }
  return worst;
}

/// Whether Python can import timm.
bool has_timm(const std::string& python) {
  return std::system((python + " -c 'import timm' 2>/dev/null").c_str()) == 0;
}

void check_networks(const std::string& python, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const test::TempDir folder;
    const auto script = std::filesystem::path(TANDEM_TEST_DATA) / "inference/model/torch_logits.py";
    REQUIRE(std::system((python + " " + script.string() + " " + name + " " + folder.path().string()).c_str()) == 0);
    const SafetensorsFile answers(folder / "answers.safetensors");
    for (const std::string format : {"zip.pth", "legacy.pth", "weights.safetensors"}) {
      INFO(name << " " << format);
      const Differences worst = differences(name, folder / format, folder / "out", answers);
      CHECK(worst.narrow < 1e-4);
      CHECK(worst.wide < 1e-6);
      std::cout << fmt::format("{} {}: largest difference of a logit {:.1e} in f32{}\n", name, format, worst.narrow,
                               worst.wide == 0 ? "" : fmt::format(", {:.1e} in f64", worst.wide))
                << std::flush;
    }
  }
}

TEST_CASE("torchvision's networks compute PyTorch's logits, from each of its formats") {
  const char* python = std::getenv("TANDEM_PYTHON");
  if (!python) TANDEM_SKIP("TANDEM_PYTHON names no Python with torchvision and safetensors");
  check_networks(python, {"resnet18", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d"});
}

TEST_CASE("timm's networks compute PyTorch's logits, from each of its formats") {
  const char* python = std::getenv("TANDEM_PYTHON");
  if (!python || !has_timm(python)) TANDEM_SKIP("TANDEM_PYTHON names no Python with timm and safetensors");
  check_networks(python, {"resnet26", "resnet18d", "resnet26d", "resnet50d"});
}

}  // namespace
}  // namespace tandem
