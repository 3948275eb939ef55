// From a file to logits, against torchvision's numbers for the same file (bench/peers/torch_fixtures.py logits).

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/formula.h"
#include "core/backend/host_copy.h"
#include "data/loader/loader.h"
#include "layers/initialise.h"
#include "layers/twin_towers.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using nlohmann::json;

const std::string kFolder = std::string(TANDEM_TEST_DATA) + "/bench/fixtures/";

json read_figures() {
  std::ifstream file(kFolder + "picture_logits.json");
  REQUIRE(file);
  return json::parse(file);
}

struct Outputs {
  std::vector<double> logits, embedding;
};

/// What the network of the formula makes of an image file on the way that tandem-predict takes it.
Outputs outputs_of(const std::string& name, int size, DType type) {
  const std::vector<std::string> paths = {kFolder + name};
  FileLoader loader(paths, {1, size, 0});
  const auto batch = loader.next();
  REQUIRE(batch);
  REQUIRE(loader.error(0).empty());
  const auto backend = type == DType::f64 ? make_reference_backend() : make_cpu_backend();
  TwinTowers model(*backend, type, {{"resnet18"}, 12, {1024, 256}});
  fill_with_formula(*backend, model);
  Tensor pixels = backend->empty({1, size, size, 3}, DType::u8);
  backend->copy_from_host(batch->pixels.data(), pixels);
  Tensor images = backend->empty(pixels.shape(), type);
  backend->normalize_images(pixels, images);
  Context context{*backend, type, false, 1};
  const TowerOutputs outputs = model.forward(context, images);
  return {download(*backend, outputs.logits.value()), download(*backend, outputs.embeddings.value())};
}

/// The largest difference relative to the largest expected value. Written so that a NaN counts as the largest.
double deviation(const std::vector<double>& got, const json& expected) {
  REQUIRE(got.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = expected[i].get<double>(), d = std::abs(got[i] - e);
    if (!(d <= difference)) difference = d;
    largest = std::max(largest, std::abs(e));
  }
  return difference / largest;
}

void check(const std::string& name, DType type, double limit) {
  const json figures = read_figures();
  const Outputs got = outputs_of(name, figures.at("size").get<int>(), type);
  const json& expected = figures.at("files").at(name);
  CAPTURE(name);
  CHECK(deviation(got.logits, expected.at("logits")) < limit);
  CHECK(deviation(got.embedding, expected.at("embedding")) < limit);
}

TEST_CASE("a PNG file gives torchvision's logits and embedding") {
  check("picture.png", DType::f64, 1e-10);
  check("picture.png", DType::f32, 1e-4);
}

// Decoders round differently: a step of 1/255 in every pixel changes the logits by 1e-2, a picture moved by one pixel
// 0.1.
TEST_CASE("a JPEG file gives torchvision's logits and embedding") { check("picture.jpg", DType::f64, 2e-2); }

TEST_CASE("logits of the other picture are told apart") {
  const json figures = read_figures();
  const Outputs got = outputs_of("picture.png", figures.at("size").get<int>(), DType::f64);
  CHECK(deviation(got.logits, figures.at("files").at("picture.jpg").at("logits")) > 0.1);
}

}  // namespace
}  // namespace tandem
