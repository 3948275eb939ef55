#include "train/loop/train_step.h"

#include <limits>
#include <map>

#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

constexpr double kLearningRate = 0.01;

/// A small network with a batch of two pairs.
struct Training {
  std::shared_ptr<Backend> backend = make_cpu_backend();
  TwinTowers model{*backend, DType::f32, {{"resnet18"}, 4, {16, 8}}};
  Sgd sgd{*backend, model, {0.9, false, 1e-4}};
  Context context{*backend, DType::f32, false, 2};
  Tensor images = test::random_tensor(*backend, {4, 32, 32, 3}, DType::f32, 1);
  Tensor labels = test::label_tensor(*backend, {0, 1, 0, 3});

  Training() { initialise(*backend, model, 1); }
  LossValues step() { return train_step(context, model, images, labels, {}, sgd, kLearningRate); }
  LossValues gradients() { return compute_gradients(context, model, images, labels, {}); }
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
  Training training;
  const LossValues first = training.step();
  CHECK(first.total == Approx(0.5 * first.softmax_a + 0.5 * first.softmax_b + 0.1 * first.contrastive).epsilon(1e-6));
  for (int i = 0; i < 3; ++i) training.step();
  CHECK(training.gradients().total < 0.9 * first.total);
}

TEST_CASE("computing gradients changes no weight and leaves every gradient") {
  Training training;
  const auto before = training.weights();
  training.gradients();
  CHECK(training.weights() == before);
  for (const NamedTensor& p : training.model.parameters()) {
    INFO(p.name);
    REQUIRE(p.parameter->gradient().defined());
    CHECK(test::all_finite(download(*training.backend, p.parameter->gradient())));
  }
}

TEST_CASE("from the second step on no memory is taken") {
  Training training;
  training.step();
  training.step();
  const MemoryStats before = training.backend->memory();
  for (int i = 0; i < 3; ++i) training.step();
  const MemoryStats after = training.backend->memory();
  CHECK(after.segments == before.segments);
  CHECK(after.reserved == before.reserved);
  CHECK(after.peak_in_use == before.peak_in_use);
  CHECK(after.in_use == before.in_use);
}

/// What a step does that must fail: no weight changes, no gradient stays behind.
void check_refused(Training& training) {
  const auto before = training.weights();
  try {
    training.step();
    FAIL("a loss that is not finite was accepted");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find("the loss is not a finite number") == 0);
  }
  // Compared as text: a NaN equals nothing.
  const auto after = training.weights();
  for (const auto& [name, values] : before) {
    INFO(name);
    CHECK(std::equal(values.begin(), values.end(), after.at(name).begin(),
                     [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
  }
  for (const NamedTensor& p : training.model.parameters()) CHECK_FALSE(p.parameter->gradient().defined());
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
  SECTION("images that are not numbers") { training.backend->fill(training.images, NAN); }
  check_refused(training);
}

TEST_CASE("a step that was refused leaves no trace in the next one") {
  Training training, fresh;
  training.labels = test::label_tensor(*training.backend, {0, 1, 0});
  CHECK_THROWS_AS(training.step(), Error);
  CHECK(training.context.tape == nullptr);
  training.labels = fresh.labels;
  CHECK(training.step().total == fresh.step().total);
  CHECK(training.weights() == fresh.weights());
}

}  // namespace
}  // namespace tandem
