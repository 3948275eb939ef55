#include "layers/initialise.h"

#include <map>

#include "layers/twin_towers.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Weights = std::map<std::string, std::vector<double>>;

Weights weights(std::uint64_t seed, DType real = DType::f32) {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, real, {"resnet18", 12, {64, 32}});
  initialise(*backend, model, seed);
  Weights all;
  for (const NamedTensor& t : model.state()) all[t.name] = download(*backend, t.tensor());
  return all;
}

struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v, squares += v * v;
  return {sum / n, std::sqrt(squares / n)};
}

TEST_CASE("initial weights are a function of the seed") {
  const Weights once = weights(1);
  CHECK(once == weights(1));
  const Weights other = weights(2);
  for (const auto& [name, values] : once) {
    INFO(name);
    CHECK((values != other.at(name)) == (name.find("bn") == std::string::npos &&  // drawn, not constant
                                         name.find("downsample.1") == std::string::npos));
  }
}

TEST_CASE("initial weights do not depend on their type") { CHECK(weights(3, DType::f32) == weights(3, DType::f64)); }

TEST_CASE("tensors of one shape get different weights") {
  const Weights all = weights(1);
  CHECK(all.at("layer1.0.conv1.weight") != all.at("layer1.0.conv2.weight"));
  CHECK(all.at("layer1.0.conv1.weight") != all.at("layer1.1.conv1.weight"));
}

TEST_CASE("convolutions are drawn as He and others propose") {
  const auto check = [](const std::vector<double>& values, double fan_out) {
    const double expected = std::sqrt(2 / fan_out), root = std::sqrt(static_cast<double>(values.size()));
    const Moments m = moments(values);
    CHECK(std::abs(m.mean) < 5 * expected / root);
    CHECK(std::abs(m.deviation - expected) < 5 * expected / (1.414 * root));
    // A normal distribution has 4.55 % beyond two deviations.
    const auto outside =
        std::count_if(values.begin(), values.end(), [&](double v) { return std::abs(v) > 2 * expected; });
    CHECK(std::abs(static_cast<double>(outside) / static_cast<double>(values.size()) - 0.0455) < 5 * 0.21 / root);
  };
  const Weights all = weights(4);
  check(all.at("conv1.weight"), 64 * 7 * 7);
  check(all.at("layer2.0.conv1.weight"), 128 * 3 * 3);  // fan-out: 64 channels in, 128 out
  check(all.at("layer2.0.downsample.0.weight"), 128);
  check(all.at("layer4.1.conv2.weight"), 512 * 3 * 3);
}

TEST_CASE("linear layers are uniform within the root of their inputs") {
  const Weights all = weights(5);
  const auto check = [&](const std::string& name, double inputs) {
    INFO(name);
    const std::vector<double>& values = all.at(name);
    const double bound = 1 / std::sqrt(inputs), root = std::sqrt(static_cast<double>(values.size()));
    for (const double v : values) CHECK(std::abs(v) <= bound * (1 + 1e-6));
    const Moments m = moments(values);
    CHECK(std::abs(m.mean) < 5 * bound / (1.732 * root));
    CHECK(std::abs(m.deviation - bound / std::sqrt(3.0)) < 5 * 0.26 * bound / root);
  };
  check("fc.weight", 512);
  check("fc.bias", 512);
  check("embedding.0.weight", 512);
  check("embedding.0.bias", 512);
  check("embedding.2.weight", 64);
  check("embedding.2.bias", 64);
}

TEST_CASE("batch norms begin as the identity") {
  int checked = 0;
  for (const auto& [name, values] : weights(6)) {
    if (name.find("bn") == std::string::npos && name.find("downsample.1") == std::string::npos) continue;
    INFO(name);
    const double expected = name.ends_with("weight") || name.ends_with("running_var") ? 1 : 0;
    CHECK(values == std::vector<double>(values.size(), expected));
    ++checked;
  }
  CHECK(checked == 20 * 4);
}

TEST_CASE("numbers are uploaded and downloaded as they are") {
  const auto backend = make_cpu_backend();
  for (const DType real : {DType::f32, DType::f64}) {
    Tensor tensor = backend->empty({3}, real);
    upload(*backend, {0.5F, -2.0F, 1e-30F}, tensor);
    CHECK(download(*backend, tensor) == std::vector<double>{0.5, -2.0, static_cast<double>(1e-30F)});
    CHECK_THROWS_AS(upload(*backend, {1.0F}, tensor), Error);
  }
  Tensor labels = backend->empty({1}, DType::i32);
  CHECK_THROWS_AS(upload(*backend, {1.0F}, labels), Error);
  CHECK_THROWS_AS(download(*backend, labels), Error);
}

}  // namespace
}  // namespace tandem
