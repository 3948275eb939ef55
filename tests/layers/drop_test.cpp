#include "layers/drop.h"

#include <algorithm>
#include <cmath>

#include "layers/backbones/factory.h"
#include "layers/twin_towers.h"
#include "tests/layers/losses/default_loss.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

constexpr DropSizes kSizes{64, 50, 16};
constexpr int kSteps = 400;

/// 1 for each factor of a step that is 0.
std::vector<double> dropped(const DropOptions& options, const DropSizes& sizes, std::int64_t step, int part = 0) {
  std::vector<double> drops;
  for (const double factor : draw_drop_factors(options, sizes, 3, step, part)) drops.push_back(factor == 0 ? 1 : 0);
  return drops;
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double v : values) total += v;
  return total;
}

/// Checks that counts of n independent draws at rate p have the binomial's mean and variance, to about 4.5 deviations.
void check_binomial(const std::vector<double>& counts, double n, double p) {
  const double samples = static_cast<double>(counts.size()), mean = sum(counts) / samples, expected = n * p,
               variance = n * p * (1 - p);
  double squares = 0;
  for (const double count : counts) squares += (count - expected) * (count - expected);
  INFO("mean " << mean << " of " << expected << ", variance " << squares / samples << " of " << variance);
  CHECK(std::abs(mean - expected) < 4.5 * std::sqrt(variance / samples));
  // The variance of a squared deviation is 2 variance^2 and a little more.
  CHECK(std::abs(squares / samples - variance) < 4.5 * std::sqrt((2 * variance * variance + variance) / samples));
}

/// The correlation of two sequences of 0 and 1.
double correlation(const std::vector<double>& a, const std::vector<double>& b, double p) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += (a[i] - p) * (b[i] - p);
  return total / (static_cast<double>(a.size()) * p * (1 - p));
}

TEST_CASE("features are dropped one by one at their rate, and the others scaled up") {
  for (const double p : {0.1, 0.5, 0.8}) {
    CAPTURE(p);
    std::vector<double> of_images, of_features(50), of_pairs;
    for (int step = 0; step < kSteps; ++step) {
      const std::vector<double> factors = draw_drop_factors({p, 0}, kSizes, 3, step);
      REQUIRE(factors.size() == 64 * 50);
      const std::vector<double> drops = dropped({p, 0}, kSizes, step);
      for (const double factor : factors)
        if (factor != 0 && factor != 1 / (1 - p)) FAIL("a factor of " << factor);
      for (std::size_t image = 0; image < 64; ++image) {
        const auto row = drops.begin() + static_cast<std::ptrdiff_t>(image * 50);
        of_images.push_back(sum({row, row + 50}));
        for (std::size_t c = 0; c < 50; ++c) of_features[c] += row[static_cast<std::ptrdiff_t>(c)];
      }
    }
    check_binomial(of_images, 50, p);             // within a row
    check_binomial(of_features, 64 * kSteps, p);  // each place of a row
  }
}

TEST_CASE("branches are dropped image by image, the later the block the more often") {
  const double rate = 0.4;
  std::vector<std::vector<double>> of_blocks(16);
  std::vector<double> last, next_to_last;
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<double> factors = draw_drop_factors({0, rate}, kSizes, 3, step),
                              drops = dropped({0, rate}, kSizes, step);
    REQUIRE(factors.size() == 16 * 64);
    for (std::size_t block = 0; block < 16; ++block) {
      const auto row = drops.begin() + static_cast<std::ptrdiff_t>(block * 64);
      of_blocks[block].push_back(sum({row, row + 64}));
      const double p = rate * static_cast<double>(block) / 15;
      for (std::size_t i = block * 64; i < block * 64 + 64; ++i)
        if (factors[i] != 0 && factors[i] != 1 / (1 - p)) FAIL("a factor of " << factors[i]);
      if (block == 14) next_to_last.insert(next_to_last.end(), row, row + 64);
      if (block == 15) last.insert(last.end(), row, row + 64);
    }
  }
  CHECK(sum(of_blocks[0]) == 0);
  for (std::size_t block = 1; block < 16; ++block) {
    CAPTURE(block);
    check_binomial(of_blocks[block], 64, rate * static_cast<double>(block) / 15);
  }
  CHECK(std::abs(correlation(last, next_to_last, rate)) < 4.5 / std::sqrt(static_cast<double>(last.size())) + 0.01);
}

TEST_CASE("factors are a function of seed, step and batch, and each of them gives others") {
  const DropOptions both{0.5, 0.5};
  const auto first = draw_drop_factors(both, kSizes, 3, 7);
  CHECK(draw_drop_factors(both, kSizes, 3, 7) == first);
  const auto all = dropped({0.5, 0}, kSizes, 7);
  const double most = 4.5 / std::sqrt(static_cast<double>(all.size()));
  CHECK(std::abs(correlation(all, dropped({0.5, 0}, kSizes, 8), 0.5)) < most);
  CHECK(std::abs(correlation(all, dropped({0.5, 0}, kSizes, 7, 1), 0.5)) < most);
  CHECK(std::abs(correlation(all, dropped({0.5, 0}, kSizes, 7 + (std::int64_t{1} << 31)), 0.5)) < most);
  CHECK(draw_drop_factors(both, kSizes, 4, 7) != first);
  // An image's do not depend on how many there are, nor dropout's on stochastic depth's.
  const auto fewer = draw_drop_factors({0.5, 0}, {10, 50, 16}, 3, 7),
             features = draw_drop_factors({0.5, 0}, kSizes, 3, 7);
  CHECK(std::equal(fewer.begin(), fewer.end(), features.begin()));
  CHECK(std::equal(features.begin(), features.end(), first.begin() + 16 * 64));
  CHECK(draw_drop_factors({}, kSizes, 3, 7).empty());
}

TEST_CASE("a network without blocks but one drops its branch at the full rate or never") {
  CHECK(sum(dropped({0, 0.9}, {64, 8, 1}, 1)) == 0);
  CHECK(sum(dropped({0, 0.9}, {64, 8, 2}, 1)) > 32);
}

TEST_CASE("the device has the factors of the step, by block and feature") {
  const auto backend = make_reference_backend();
  const DropSizes sizes{3, 5, 4};
  StepDrop drop(*backend, DType::f64, {0.5, 0.5}, sizes, 9);
  for (const std::int64_t step : {4, 5}) {
    drop.begin(step, 1);
    const auto all = draw_drop_factors({0.5, 0.5}, sizes, 9, step, 1);
    std::vector<double> got;
    CHECK_FALSE(drop.factors().branches[0].defined());  // is never dropped
    for (std::size_t block = 1; block < 4; ++block)
      for (const double factor : download(*backend, drop.factors().branches[block])) got.push_back(factor);
    CHECK(drop.factors().features.shape() == Shape{3, 5});
    for (const double factor : download(*backend, drop.factors().features)) got.push_back(factor);
    CHECK(got == std::vector<double>(all.begin() + 3, all.end()));
  }
}

/// A network of basic blocks in f64, and a step on it with factors for its branches and features.
struct Network {
  std::shared_ptr<Backend> backend = make_reference_backend();
  TwinTowers model{*backend, DType::f64, {{"resnet18"}, 5, {8}}};
  Tensor images = test::random_tensor(*backend, {4, 36, 36, 3}, DType::f64, 3);
  Tensor labels = test::label_tensor(*backend, {0, 1, 0, 3});
  DropFactors factors;

  Network() { initialise(*backend, model, 7); }
  Tensor tensor(const Shape& shape, const std::vector<double>& values) {
    Tensor t = backend->empty(shape, DType::f64);
    upload_real(*backend, values, t);
    return t;
  }
  Tensor& parameter(const std::string& name) {
    for (const NamedTensor& p : model.parameters())
      if (p.name == name) return p.tensor();
    fail("no {}", name);
  }
  TowerOutputs forward(Tape* tape = nullptr, bool drops = true) {
    Context context{*backend, DType::f64, true, 2, tape};
    context.drop = drops ? &factors : nullptr;
    return model.forward(context, images);
  }
  std::vector<double> features() { return download(*backend, forward().features.value()); }
  double loss(Tape* tape = nullptr) {
    Context context{*backend, DType::f64, true, 2, tape};
    const Variable total = test::default_loss(context, forward(tape), labels);
    if (tape) tape->backward(*backend, total);
    return download(*backend, total.value())[0];
  }
};

TEST_CASE("the branch of a dropped image adds nothing, and that of another is scaled") {
  Network network;
  network.factors.branches.resize(8);
  network.factors.branches[7] = network.tensor({4}, {0, 1, 2, 0});
  const auto with = network.features();
  // Features are means of relu(shortcut + factor * branch).
  Tensor& scale = network.parameter("layer4.1.bn2.weight");
  const std::vector<double> before = download(*network.backend, scale);
  const auto scaled = [&](double by) {
    std::vector<double> values = before;
    for (double& v : values) v *= by;
    upload_real(*network.backend, values, scale);
    network.factors.branches[7] = Tensor();
    return network.features();
  };
  const auto once = scaled(1), twice = scaled(2), none = scaled(0);
  const auto row = [&](const std::vector<double>& all, std::size_t i) {
    return std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(i * 512),
                               all.begin() + static_cast<std::ptrdiff_t>((i + 1) * 512));
  };
  CHECK(test::deviation(row(with, 0), row(none, 0)) < 1e-12);
  CHECK(test::deviation(row(with, 1), row(once, 1)) < 1e-12);
  CHECK(test::deviation(row(with, 2), row(twice, 2)) < 1e-12);
  CHECK(test::deviation(row(with, 3), row(none, 3)) < 1e-12);
  CHECK(test::deviation(row(once, 0), row(none, 0)) > 0.1);
}

TEST_CASE("both heads see the features times their factors") {
  Network network;
  std::vector<double> factors(4 * 512, 0.0);
  for (std::size_t i = 0; i < factors.size(); i += 3) factors[i] = 1.5;
  network.factors.features = network.tensor({4, 512}, factors);
  const TowerOutputs outputs = network.forward();
  const auto plain = network.features();
  CHECK(download(*network.backend, outputs.features.value()) == plain);
  const auto weight = download(*network.backend, network.parameter("fc.weight")),
             bias = download(*network.backend, network.parameter("fc.bias"));
  std::vector<double> logits;
  for (std::size_t n = 0; n < 4; ++n)
    for (std::size_t k = 0; k < 5; ++k) {
      double z = bias[k];
      for (std::size_t c = 0; c < 512; ++c) z += weight[k * 512 + c] * plain[n * 512 + c] * factors[n * 512 + c];
      logits.push_back(z);
    }
  CHECK(test::deviation(download(*network.backend, outputs.logits.value()), logits) < 1e-12);
  CHECK(download(*network.backend, outputs.embeddings.value()) !=
        download(*network.backend, network.forward(nullptr, false).embeddings.value()));
}

TEST_CASE("gradients under random factors are those of differences") {
  Network network;
  StepDrop drop(*network.backend, DType::f64, {0.5, 0.5}, {4, 512, 8}, 2);
  drop.begin(1);
  network.factors = drop.factors();
  Tape tape;
  network.loss(&tape);
  for (const char* name : {"conv1.weight", "layer2.0.bn2.weight", "layer4.1.conv2.weight", "fc.weight"}) {
    INFO(name);
    std::vector<double> gradient;
    for (const NamedTensor& p : network.model.parameters())
      if (p.name == name) gradient = download(*network.backend, p.parameter->gradient());
    Tensor& tensor = network.parameter(name);
    const std::vector<double> at = download(*network.backend, tensor);
    std::vector<double> direction(at.size());
    Random random(5, RandomPurpose::test);
    double slope = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      direction[i] = static_cast<double>(random.normal());
      slope += direction[i] * gradient[i];
    }
    const auto moved = [&](double by) {
      std::vector<double> values = at;
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += by * direction[i];
      upload_real(*network.backend, values, tensor);
      return network.loss();
    };
    const double step = 1e-8,  // so that hardly a ReLU changes sides
        difference = (moved(step) - moved(-step)) / (2 * step);
    upload_real(*network.backend, at, tensor);
    CHECK(std::abs(difference - slope) < 1e-4 * std::abs(slope) + 1e-9);
  }
}

TEST_CASE("every backbone says how many residual blocks it has") {
  const auto backend = make_cpu_backend();
  CHECK(make_backbone(*backend, DType::f32, {"resnet18"})->residual_blocks() == 8);
  CHECK(make_backbone(*backend, DType::f32, {"resnet50"})->residual_blocks() == 16);
  for (const std::string_view name : backbone_names())
    CHECK(make_backbone(*backend, DType::f32, {std::string(name)})->residual_blocks() > 0);
}

}  // namespace
}  // namespace tandem
