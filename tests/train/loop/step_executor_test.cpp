#include "train/loop/step_executor.h"

#include <cmath>
#include <limits>
#include <map>

#include "tests/layers/tensors.h"
#include "tests/support/capturing_backend.h"
#include "tests/support/catch.h"
#include "tests/train/optim/update.h"

namespace tandem {
namespace {

using Weights = std::map<std::string, std::vector<double>>;

/// On demand its gradients have no finite norm.
class SpoilingBackend final : public test::CapturingBackend {
 public:
  bool spoil_norm = false;

  void gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) override {
    CapturingBackend::gradient_norm(gradients, norm);
    if (spoil_norm) fill(norm, HUGE_VAL);
  }
};

/// A small network, its optimizer, and a batch of two pairs for each step.
struct Training {
  std::shared_ptr<Backend> backend;
  int size = 32;
  TwinTowers model{*backend, DType::f32, {{"resnet18"}, 4, {16, 8}}};
  std::unique_ptr<Optimizer> optimizer;
  TrainingLoss loss;
  std::unique_ptr<StepExecutor> steps;
  std::int64_t t = 0;

  explicit Training(const StepOptions& options, StepState state = {1.5, {1024, 0}}, bool adam = false,
                    const LossOptions& losses = {})
      : Training(make_cpu_backend(), 32, options, state, adam, losses) {}
  Training(std::shared_ptr<Backend> on, int image_size, const StepOptions& options, StepState state, bool adam = false,
           const LossOptions& losses = {})
      : backend(std::move(on)), size(image_size), loss(losses) {
    initialise(*backend, model, 1);
    if (adam)
      optimizer = std::make_unique<Adam>(*backend, model, AdamOptions{});
    else
      optimizer = std::make_unique<Sgd>(*backend, model, SgdOptions{0.9, false, 1e-4});
    start(options, state);
  }
  void start(const StepOptions& options, StepState state) {
    StepOptions all = options;
    all.pairs = 2;
    all.size = size;
    steps =
        std::make_unique<StepExecutor>(Context{*backend, DType::f32, false, 2}, model, *optimizer, loss, all, state);
  }
  void submit() {
    Batch batch{t, 4, size, std::vector<std::uint8_t>(static_cast<std::size_t>(4 * size * size * 3)), {0, 1, 0, 3}};
    Random random(static_cast<std::uint64_t>(t), RandomPurpose::test);
    for (auto& pixel : batch.pixels) pixel = static_cast<std::uint8_t>(random.bits());
    ++t;
    steps->submit(batch, 0.01 / static_cast<double>(t), t);
  }
  std::vector<double> finish() {
    std::vector<double> totals;
    steps->finish([&](const LossValues& values) { totals.push_back(values.total); });
    return totals;
  }
  /// The losses of `n` steps, `at_a_time` of them queued.
  std::vector<double> run(int n, int at_a_time = 1) {
    std::vector<double> all;
    for (int i = 1; i <= n; ++i) {
      submit();
      if (i % at_a_time != 0 && i != n) continue;
      for (const double total : finish()) all.push_back(total);
    }
    return all;
  }
  Weights weights() {
    Weights all;
    for (const NamedTensor& p : model.state()) all[p.name] = download(*backend, p.tensor());
    for (const NamedTensor& p : optimizer->state()) all["optimizer." + p.name] = download(*backend, p.tensor());
    return all;
  }
  Tensor& parameter(const std::string& name) {
    for (const NamedTensor& p : model.parameters())
      if (p.name == name) return p.tensor();
    fail("no {}", name);
  }
};

StepOptions later(int max_in_flight) {
  StepOptions options;
  options.synchronous = false;
  options.max_in_flight = max_in_flight;
  return options;
}

StepOptions scaled(int interval) {
  StepOptions options = later(4);
  options.loss_scaling = LossScaleOptions{2, 0.5, interval};
  return options;
}

LossOptions match_softmax() {
  LossOptions options;
  options.contrastive.weight.reset();
  return options;
}

TEST_CASE("losses read later are those read at once, and so are the weights") {
  for (const bool adam : {false, true}) {
    Training synchronous(StepOptions{}, {}, adam), together(later(3), {}, adam);
    CHECK(synchronous.run(5) == together.run(5, 3));
    CHECK(synchronous.weights() == together.weights());
  }
}

TEST_CASE("a step is a forward pass, a backward pass and an update") {
  Training training(later(2)), by_hand(StepOptions{});
  const std::vector<double> losses = training.run(2, 2);
  Backend& backend = *by_hand.backend;
  const LossWeights weights(backend, DType::f32, by_hand.loss, 0);
  for (std::int64_t t = 1; t <= 2; ++t) {
    std::vector<std::uint8_t> bytes(4 * 32 * 32 * 3);
    Random random(static_cast<std::uint64_t>(t - 1), RandomPurpose::test);
    for (auto& pixel : bytes) pixel = static_cast<std::uint8_t>(random.bits());
    Tensor pixels = backend.empty({4, 32, 32, 3}, DType::u8), images = backend.empty(pixels.shape(), DType::f32);
    backend.copy_from_host(bytes.data(), pixels);
    backend.normalize_images(pixels, images);
    Tape tape;
    Context context{backend, DType::f32, true, 2, &tape};
    const auto output = by_hand.loss.forward(context, by_hand.model.forward(context, images),
                                             test::label_tensor(backend, {0, 1, 0, 3}), weights.values());
    CHECK(download(backend, output.total.value())[0] == losses[static_cast<std::size_t>(t - 1)]);
    tape.backward(backend, output.total);
    test::update(backend, *by_hand.optimizer, DType::f32, 0.01 / static_cast<double>(t), t);
  }
  CHECK(training.weights() == by_hand.weights());
}

TEST_CASE("a batch with two labels for an image is trained in their shares, and one without as ever") {
  StepOptions mixing;
  mixing.mixes = true;
  Training plain({}), mixed(mixing);
  CHECK(plain.run(2) == mixed.run(2));
  const std::vector<std::uint8_t> pixels(4 * 32 * 32 * 3, 100);
  const auto loss_of = [&](Training& training, const std::vector<std::int32_t>& others, double share) {
    training.steps->submit(Batch{2, 4, 32, pixels, {0, 1, 0, 3}, others, share}, 0, 3);
    double loss = 0;
    training.steps->finish([&](const LossValues& values) { loss = values.terms[0].value; });
    return loss;
  };
  const double own = loss_of(mixed, {}, 1), other = loss_of(mixed, {1, 2, 3, 0}, 0);
  CHECK(own != other);
  CHECK(loss_of(mixed, {1, 2, 3, 0}, 0.25) == Approx(0.25 * own + 0.75 * other).epsilon(1e-5));
  CHECK(loss_of(mixed, {}, 1) == Approx(own).epsilon(1e-6));
  CHECK_THROWS_AS(loss_of(plain, {1, 2, 3, 0}, 0.25), Error);
  CHECK_THROWS_AS(loss_of(mixed, {1, 2, 3}, 0.25), Error);
}

TEST_CASE("images come from the normalisation that the options name") {
  const auto backend = make_cpu_backend();
  const auto first_loss = [&](const decltype(StepOptions::normalize)& normalize) {
    StepOptions options;
    options.normalize = normalize;
    return Training(backend, 32, options, {}).run(1)[0];
  };
  const double usual = first_loss({});
  CHECK(first_loss([&](const Tensor& pixels, Tensor& images) { backend->normalize_images(pixels, images); }) == usual);
  CHECK(first_loss([&](const Tensor&, Tensor& images) { backend->fill(images, 0.5); }) != usual);
}

TEST_CASE("a loss's scale that is a power of two changes nothing") {
  const StepState state{0, {1024, 0}};
  Training plain(make_reference_backend(), 8, later(1), state),
      with_scale(make_reference_backend(), 8, scaled(3), state);
  CHECK(plain.run(4) == with_scale.run(4));
  CHECK(plain.weights() == with_scale.weights());
  CHECK(with_scale.steps->state().loss_scale == std::array<double, 2>{2048, 1});
}

TEST_CASE("a gradient that is not finite skips the update and lowers the scale, and then training goes on", "[slow]") {
  Training training(scaled(2000), {0, {std::numeric_limits<float>::max(), 7}});
  const Weights before = training.weights();
  training.submit();
  CHECK(training.finish().size() == 1);
  CHECK(training.steps->state().loss_scale[0] == static_cast<double>(std::numeric_limits<float>::max() / 2));
  CHECK(training.steps->state().loss_scale[1] == 0);
  const Weights after = training.weights();
  for (const auto& [name, values] : before) {
    INFO(name);
    if (name.find("running") == std::string::npos) CHECK(after.at(name) == values);
  }
  training.run(60, 4);
  CHECK(training.steps->state().loss_scale[1] > 0);
  CHECK(training.weights().at("conv1.weight") != before.at("conv1.weight"));
}

TEST_CASE("losses that are not finite are found when they are read, after those before them") {
  for (const bool loss_scale : {false, true}) {
    Training training(loss_scale ? scaled(2000) : later(4));
    training.submit();
    training.steps->finish([](const LossValues&) {});
    training.submit();
    training.backend->fill(training.parameter("fc.bias"), NAN);
    training.submit();
    training.submit();
    const auto weight = download(*training.backend, training.parameter("conv1.weight"));
    int good = 0;
    try {
      training.steps->finish([&](const LossValues& values) { good += std::isfinite(values.total); });
      FAIL("a loss that is not finite was accepted");
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("step 3: the loss is not a finite number") == 0);
    }
    CHECK(good == 1);
    CHECK(test::all_finite(weight));
  }
}

TEST_CASE("a gradient that is not finite though the loss is ends a run without a scale, or with one of 1") {
  const auto error_of_a_step = [](const StepOptions& options, double scale) -> std::string {
    const auto backend = std::make_shared<SpoilingBackend>();
    backend->spoil_norm = true;
    Training training(backend, 8, options, {0, {scale, 0}});
    const Weights before = training.weights();
    std::string error;
    try {
      training.submit();
      training.finish();
    } catch (const Error& e) {
      error = e.what();
    }
    CHECK(training.weights().at("conv1.weight") == before.at("conv1.weight"));
    return error;
  };
  for (const StepOptions& options : {StepOptions{}, later(1)})
    CHECK(error_of_a_step(options, 0) ==
          "step 1: the gradient is not a finite number, though the loss is: lower the learning rate");
  CHECK(error_of_a_step(scaled(10), 1) ==
        "step 1: the gradient under a loss scale of 1 is not a finite number, though the loss is: lower the learning "
        "rate");
  CHECK(error_of_a_step(scaled(10), 2).empty());
}

TEST_CASE("the third step is captured and replayed from then on, to the same figures") {
  const StepOptions options = scaled(2);
  const auto backend = std::make_shared<SpoilingBackend>();
  Training captured(backend, 8, options, {1.5, {1024, 0}}, true, match_softmax()),
      eager(make_reference_backend(), 8, options, {1.5, {1024, 0}}, true, match_softmax());
  CHECK(captured.run(2) == eager.run(2));
  CHECK_FALSE(captured.steps->captured());
  CHECK(captured.run(4, 4) == eager.run(4, 4));
  CHECK(captured.steps->captured());
  CHECK(backend->captures == 1);
  CHECK(backend->replays == 4);
  CHECK(captured.weights() == eager.weights());
  CHECK(captured.steps->state().loss_scale == eager.steps->state().loss_scale);
}

TEST_CASE("steps whose losses are read at once are not captured") {
  const auto backend = std::make_shared<SpoilingBackend>();
  Training training(backend, 8, StepOptions{}, {});
  training.run(4);
  CHECK(backend->captures == 0);
}

TEST_CASE("under match_softmax the contrastive weight is a moving average that a new executor takes over") {
  const StepOptions options = later(2);
  const StepState begin{1.5, {}};
  Training whole(options, begin, false, match_softmax()), parted(options, begin, false, match_softmax());
  std::vector<LossValues> losses;
  const auto value = [&](std::size_t term) { return losses.back().terms[term].value; };
  double weight = 1.5;
  for (int i = 0; i < 4; ++i) {
    whole.submit();
    whole.steps->finish([&](const LossValues& v) { losses.push_back(v); });
    CHECK(losses.back().total == Approx(0.5 * value(0) + 0.5 * value(1) + weight * value(2)).epsilon(1e-6));
    weight = 0.99 * weight + 0.01 * (value(0) + value(1)) / 2;
    CHECK(whole.steps->state().matched_weight == Approx(weight).epsilon(1e-6));
  }
  parted.run(2);
  parted.start(options, parted.steps->state());
  parted.run(2);
  CHECK(parted.steps->state().matched_weight == whole.steps->state().matched_weight);
  CHECK(parted.weights() == whole.weights());
}

TEST_CASE("from the third step on no memory is taken, and none is left behind") {
  for (const bool loss_scale : {false, true}) {
    Training training(loss_scale ? scaled(2000) : later(4));
    training.run(2);
    const MemoryStats before = training.backend->memory();
    training.run(4, 4);
    const MemoryStats after = training.backend->memory();
    CHECK(after.reserved == before.reserved);
    CHECK(after.peak_in_use == before.peak_in_use);
    CHECK(after.in_use == before.in_use);
  }
}

TEST_CASE("a batch of another size and one step too many are refused") {
  Training training(later(1));
  CHECK_THROWS_AS(training.steps->submit(Batch{0, 2, 32, std::vector<std::uint8_t>(2 * 32 * 32 * 3), {0, 1}}, 0.1, 1),
                  Error);
  training.submit();
  CHECK_THROWS_AS(training.submit(), Error);
  CHECK(training.finish().size() == 1);
}

}  // namespace
}  // namespace tandem
