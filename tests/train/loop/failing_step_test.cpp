// Steps that lower the loss, and steps that go wrong: then no weight changes.

#include <cmath>
#include <limits>
#include <map>

#include "tests/layers/tensors.h"
#include "tests/support/catch.h"
#include "train/loop/step_executor.h"

namespace tandem {
namespace {

/// A small network with a batch of two pairs, whose losses are read at once.
struct Training {
  std::shared_ptr<Backend> backend = make_cpu_backend();
  TwinTowers model{*backend, DType::f32, {{"resnet18"}, 4, {16, 8}}};
  Sgd sgd{*backend, model, {0.9, false, 1e-4}};
  TrainingLoss loss{LossOptions()};
  bool spoil_images = false;
  StepExecutor steps{{*backend, DType::f32, false, 2}, model, sgd, loss, options(), {}};
  Batch batch{0, 4, 32, std::vector<std::uint8_t>(4 * 32 * 32 * 3), {0, 1, 0, 3}};
  std::int64_t t = 0;

  Training() {
    initialise(*backend, model, 1);
    Random random(1, RandomPurpose::test);
    for (auto& pixel : batch.pixels) pixel = static_cast<std::uint8_t>(random.bits());
  }
  StepOptions options() {
    StepOptions options;
    options.pairs = 2;
    options.size = 32;
    options.normalize = [this](const Tensor& pixels, Tensor& images) {
      backend->normalize_images(pixels, images);
      if (spoil_images) backend->fill(images, NAN);
    };
    return options;
  }
  LossValues step(double lr = 0.01) {
    LossValues losses;
    steps.submit(batch, lr, ++t);
    steps.finish([&](const LossValues& values) { losses = values; });
    return losses;
  }
  std::map<std::string, std::vector<double>> weights() {
    std::map<std::string, std::vector<double>> all;
    for (const NamedTensor& p : model.parameters()) all[p.name] = download(*backend, p.tensor());
    return all;
  }
  Tensor& parameter(const std::string& name) {
    for (const NamedTensor& p : model.parameters())
      if (p.name == name) return p.tensor();
    fail("no {}", name);
  }
};

TEST_CASE("a training step lowers the loss of its batch") {
  // Batch norm sees two values per channel in the last stage, so that rounding grows: the rate is small for that.
  constexpr double kRate = 0.001;
  Training training;
  const LossValues first = training.step(kRate);
  REQUIRE(first.terms.size() == 3);
  CHECK(first.total ==
        Approx(0.5 * first.terms[0].value + 0.5 * first.terms[1].value + 0.1 * first.terms[2].value).epsilon(1e-6));
  for (int i = 0; i < 10; ++i) training.step(kRate);
  CHECK(training.step(kRate).total < 0.9 * first.total);
}

TEST_CASE("a step changes every parameter that the loss depends on and leaves no gradient") {
  Training training;
  const auto before = training.weights();
  training.step();
  const auto after = training.weights();
  for (const NamedTensor& p : training.model.parameters()) {
    INFO(p.name);
    // A bias that both embeddings have does not change their distance, and biases do not decay.
    CHECK((after.at(p.name) != before.at(p.name) || p.name == "embedding.2.bias"));
    CHECK(test::all_finite(after.at(p.name)));
    CHECK_FALSE(p.parameter->gradient().defined());
  }
}

/// What a step does that must fail: no weight changes, no gradient stays behind.
void check_refused(Training& training) {
  const auto before = training.weights();
  try {
    training.step();
    FAIL("a loss that is not finite was accepted");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find("step 1: the loss is not a finite number") == 0);
  }
  // A NaN equals nothing.
  const auto after = training.weights();
  for (const auto& [name, values] : before) {
    INFO(name);
    CHECK(std::equal(values.begin(), values.end(), after.at(name).begin(),
                     [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
  }
  for (const NamedTensor& p : training.model.parameters()) CHECK_FALSE(p.parameter->gradient().defined());
  int told = 0;
  training.steps.finish([&](const LossValues&) { ++told; });
  CHECK(told == 0);
}

TEST_CASE("a loss that is not finite stops the step before any weight changes") {
  Training training;
  SECTION("weights that overflow the logits") {
    training.backend->fill(training.parameter("fc.weight"), static_cast<double>(std::numeric_limits<float>::max()));
  }
  SECTION("a bias that is not a number") { training.backend->fill(training.parameter("fc.bias"), NAN); }
  SECTION("an embedding that is not a number") { training.backend->fill(training.parameter("embedding.2.bias"), NAN); }
  SECTION("a first layer that is not a number") { training.backend->fill(training.parameter("conv1.weight"), NAN); }
  SECTION("a batch norm that is not a number") { training.backend->fill(training.parameter("layer2.0.bn1.bias"), NAN); }
  SECTION("images that are not numbers") { training.spoil_images = true; }
  check_refused(training);
}

TEST_CASE("a step that was refused leaves no trace in the next one") {
  Training training, fresh;
  const double good = download(*training.backend, training.parameter("fc.bias"))[0];
  training.backend->fill(training.parameter("fc.bias"), NAN);
  CHECK_THROWS_AS(training.step(), Error);
  fresh.backend->fill(fresh.parameter("fc.bias"), good);
  training.backend->fill(training.parameter("fc.bias"), good);
  CHECK(training.step().total == fresh.step().total);
  CHECK(training.weights() == fresh.weights());
}

}  // namespace
}  // namespace tandem
