// torchvision's networks, read from each of PyTorch's formats, compute PyTorch's logits. Needs a Python with
// torchvision and safetensors, which TANDEM_PYTHON names.

#include <cmath>
#include <cstdlib>

#include "core/backend/host_copy.h"
#include "inference/model/import.h"
#include "inference/model/model_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
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

TEST_CASE("torchvision's networks compute PyTorch's logits, from each of its formats") {
  const char* python = std::getenv("TANDEM_PYTHON");
  if (!python) TANDEM_SKIP("TANDEM_PYTHON names no Python with torchvision and safetensors");
  for (const std::string name : {"resnet18", "resnet26", "resnet50"}) {
    const test::TempDir folder;
    const auto script = std::filesystem::path(TANDEM_TEST_DATA) / "inference/model/torch_logits.py";
    const std::string command = std::string(python) + " " + script.string() + " " + name + " " + folder.path().string();
    REQUIRE(std::system(command.c_str()) == 0);
    const SafetensorsFile answers(folder / "answers.safetensors");
    for (const std::string format : {"zip.pth", "legacy.pth", "weights.safetensors"}) {
      INFO(name << " " << format);
      ResNetWeights weights = read_resnet({folder / format, "", ""});
      const ModelDescription description = describe_import(folder / format, {}, weights);
      CHECK(description.backbone.name == (name == "resnet26" ? "resnet50" : name));
      CHECK(description.backbone.resnet.depths.size() == (name == "resnet26" ? 4U : 0U));
      CHECK(description.classes.size() == 7);
      (void)write_import(folder / format, weights, description, folder / "out");
      const ModelFile file(folder / "out");
      const auto backend = make_cpu_backend();
      TwinTowers wide(*backend, DType::f64, tower_options(description)),
          narrow(*backend, DType::f32, tower_options(description));
      file.load(*backend, wide);
      file.load(*backend, narrow);
      for (const std::string size : {"64", "75", "96"}) {
        CHECK(difference(*backend, DType::f32, narrow, answers, size) < 1e-4);
        // In f64, which takes long, for one of each is enough.
        if (size == "75" && format == "zip.pth") CHECK(difference(*backend, DType::f64, wide, answers, size) < 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace tandem
