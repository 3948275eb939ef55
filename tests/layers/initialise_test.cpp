#include "layers/initialise.h"
#include "core/backend/host_copy.h"

#include <map>

#include "layers/backbones/factory.h"
#include "layers/twin_towers.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

using Weights = std::map<std::string, std::vector<double>>;

Weights weights(std::uint64_t seed, DType real = DType::f32) {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, real, {{"resnet18"}, 12, {64, 32}});
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

TEST_CASE("blocks that begin as their shortcuts end in a batch norm of weight 0, and nothing else changes") {
  const auto backend = make_cpu_backend();
  for (const std::string arch : {"resnet18", "resnet50"}) {
    const auto drawn = [&](bool zero_init_residual) {
      const auto backbone = make_backbone(*backend, DType::f32, {arch, zero_init_residual});
      initialise(*backend, *backbone, 2);
      Weights all;
      for (const NamedTensor& t : backbone->state()) all[t.name] = download(*backend, t.tensor());
      return all;
    };
    Weights expected = drawn(false);
    int changed = 0;
    for (auto& [name, values] : expected)
      if (name.starts_with("layer") && name.ends_with(arch == "resnet18" ? "bn2.weight" : "bn3.weight")) {
        values.assign(values.size(), 0);
        ++changed;
      }
    CHECK(changed == (arch == "resnet18" ? 8 : 16));
    CHECK(drawn(true) == expected);
  }
}

/// What a tensor was drawn as when this was recorded. The C library's logarithm and cosine may round otherwise on
/// another machine, hence a tolerance; another place in the order of random numbers, or another formula, is far off.
struct Recorded {
  std::string name;
  double first, last, mean_size;
};

void check_recorded(const std::string& arch, const std::vector<Recorded>& tensors) {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{arch}, 12, {64, 32}});
  initialise(*backend, model, 7);
  Weights all;
  for (const NamedTensor& t : model.state()) all[t.name] = download(*backend, t.tensor());
  for (const auto& [name, first, last, mean_size] : tensors) {
    INFO(arch << " " << name);
    const std::vector<double>& values = all.at(name);
    double sum = 0;
    for (const double v : values) sum += std::abs(v);
    CHECK(values.front() == Approx(first).epsilon(1e-5));
    CHECK(values.back() == Approx(last).epsilon(1e-5));
    CHECK(sum / static_cast<double>(values.size()) == Approx(mean_size).epsilon(1e-5));
  }
}

TEST_CASE("a seed draws the weights that it always drew") {
  check_recorded("resnet18", {{"conv1.weight", 0.00607364858, -0.00165374484, 0.0199734878},
                              {"layer2.0.conv2.weight", -0.0282312613, 0.0184441935, 0.0332202267},
                              {"layer4.0.downsample.0.weight", -0.0720234737, -0.0715289861, 0.0499258607},
                              {"fc.weight", 0.0361526571, 0.0233664699, 0.0219783884},
                              {"fc.bias", -0.0108175203, -0.00937148184, 0.0233620616},
                              {"embedding.0.weight", 0.00233952329, -0.0154071376, 0.0220384969},
                              {"embedding.2.bias", -0.00232791901, -0.0944137275, 0.0646974626}});
  check_recorded("resnet50", {{"conv1.weight", 0.00607364858, -0.00165374484, 0.0199734878},
                              {"layer2.0.conv2.weight", 0.0218510684, -0.00516823027, 0.0332048412},
                              {"layer4.0.downsample.0.weight", -0.0667581111, -0.00787003245, 0.0249441907},
                              {"fc.weight", 0.0114894267, 0.00149308331, 0.0110515491},
                              {"fc.bias", -0.0191639904, -0.00578784756, 0.0111517635},
                              {"embedding.0.weight", 0.0194169562, 0.00411425345, 0.0110366219},
                              {"embedding.2.bias", 0.0575667769, -0.109204754, 0.0635546055}});
}

}  // namespace
}  // namespace tandem
