// Steps over several batches: their gradients are averaged, and the optimizer updates once.

#include <cmath>
#include <limits>
#include <map>

#include "cpu/reference/reference_backend.h"
#include "tests/layers/tensors.h"
#include "tests/support/capturing_backend.h"
#include "tests/support/catch.h"
#include "train/loop/step_executor.h"

namespace tandem {
namespace {

using Weights = std::map<std::string, std::vector<double>>;

/// Spoils the gradient of one softmax loss.
class SpoilingBackend final : public test::CapturingBackend {
 public:
  int spoil_at = 0, losses = 0;  // the number of the loss, from 1; 0: none

  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override {
    CapturingBackend::softmax_cross_entropy(logits, labels, smoothing, loss, dlogits);
    if (++losses == spoil_at) fill(dlogits, HUGE_VAL);
  }
};

constexpr int kSize = 8;

/// Image `i` of stream 0 or 1.
void append_image(Batch& batch, std::uint64_t stream, std::uint64_t i) {
  Random random(2 * i + stream, RandomPurpose::test);
  for (int k = 0; k < batch.size * batch.size * 3; ++k)
    batch.pixels.push_back(static_cast<std::uint8_t>(random.bits()));
  batch.labels.push_back(static_cast<std::int32_t>((3 * i + stream) % 4));
  ++batch.images;
}

/// A small network whose steps have `batches` batches of `pairs` pairs, from the same streams of images.
struct Training {
  std::shared_ptr<Backend> backend;
  DType real;
  TwinTowers model{*backend, real, {{"resnet18"}, 4, {16, 8}}};
  Sgd sgd{*backend, model, {0.9, true, 1e-4}};
  TrainingLoss loss;
  std::unique_ptr<Ema> ema;
  int size, pairs, batches;
  std::unique_ptr<StepExecutor> steps;
  std::int64_t t = 0;

  Training(std::shared_ptr<Backend> on, DType type, int pairs_of_batch, int batches_of_step, std::int64_t groups,
           StepOptions options, double scale = 1024, int image_size = kSize, const LossOptions& losses = {})
      : backend(std::move(on)),
        real(type),
        loss(losses),
        size(image_size),
        pairs(pairs_of_batch),
        batches(batches_of_step) {
    initialise(*backend, model, 1);
    ema = std::make_unique<Ema>(*backend, model, EmaOptions{0.9, false});
    options.pairs = pairs;
    options.batches = batches;
    options.size = size;
    steps = std::make_unique<StepExecutor>(Context{*backend, real, false, groups}, model, sgd, loss, options,
                                           StepState{1.5, {scale, 0}}, ema.get());
  }
  void submit() {
    const auto first = static_cast<std::uint64_t>(t * pairs * batches);
    for (int part = 0; part < batches; ++part) {
      Batch batch{t, 0, size, {}, {}};
      for (std::uint64_t stream = 0; stream < 2; ++stream)
        for (int i = 0; i < pairs; ++i)
          append_image(batch, stream, first + static_cast<std::uint64_t>(part * pairs + i));
      steps->load(batch, part);
    }
    ++t;
    steps->submit(0.02, t);
  }
  std::vector<LossValues> finish() {
    std::vector<LossValues> all;
    steps->finish([&](const LossValues& values) { all.push_back(values); });
    return all;
  }
  std::vector<double> run(int n) {
    std::vector<double> totals;
    for (int i = 0; i < n; ++i) {
      submit();
      for (const LossValues& values : finish()) totals.push_back(values.total);
    }
    return totals;
  }
  Weights weights() {
    Weights all;
    for (const NamedTensor& p : model.parameters()) all[p.name] = download(*backend, p.tensor());
    for (const NamedTensor& p : sgd.state()) all[p.name] = download(*backend, p.tensor());
    return all;
  }
  Weights averages() {
    Weights all;
    for (const NamedTensor& p : ema->state()) all[p.name] = download(*backend, p.tensor());
    return all;
  }
};

StepOptions later() {
  StepOptions options;
  options.synchronous = false;
  options.max_in_flight = 4;
  return options;
}

StepOptions scaled() {
  StepOptions options = later();
  options.loss_scaling = LossScaleOptions{};
  return options;
}

TEST_CASE("a step over small batches is a step over a large one, whose batch norm has the small ones' groups") {
  // Groups are the consecutive parts of a batch: of the large one, each tower's share of each small one. One step: the
  // statistics of a few values make a second one magnify what rounding left.
  for (const bool contrastive : {false, true}) {
    LossOptions losses;
    if (!contrastive) losses.contrastive.weight = 0;
    const auto backend = make_reference_backend();
    Training large(backend, DType::f64, 18, 1, 6, {}, 1, kSize, losses);
    Training small(backend, DType::f64, 6, 3, 2, {}, 1, kSize, losses);
    CHECK(small.run(1)[0] == Approx(large.run(1)[0]).epsilon(1e-12));
    const Weights ours = small.weights();
    for (const auto& [name, values] : large.weights()) {
      INFO(name);
      CHECK(test::deviation(ours.at(name), values) < 1e-10);
    }
  }
}

TEST_CASE("a step's losses are the means over its batches") {
  const auto backend = make_reference_backend();
  const Training untouched(backend, DType::f64, 2, 1, 2, {});
  std::vector<LossValues> single;
  for (int part = 0; part < 2; ++part) {
    Training one(backend, DType::f64, 2, 1, 2, {});
    one.t = part;
    one.submit();
    single.push_back(one.finish()[0]);
  }
  Training both(backend, DType::f64, 2, 2, 2, {});
  both.submit();
  const LossValues got = both.finish()[0];
  CHECK(got.total == Approx((single[0].total + single[1].total) / 2).epsilon(1e-13));
  REQUIRE(got.terms.size() == single[0].terms.size());
  for (std::size_t i = 0; i < got.terms.size(); ++i) {
    CHECK(got.terms[i].name == single[0].terms[i].name);
    CHECK(got.terms[i].value == Approx((single[0].terms[i].value + single[1].terms[i].value) / 2).epsilon(1e-13));
  }
}

TEST_CASE("steps over several batches come to the same, read at once or later, captured or not, scaled or not") {
  const auto spoiling = std::make_shared<SpoilingBackend>();
  Training at_once(make_reference_backend(), DType::f32, 2, 2, 2, {});
  Training captured(spoiling, DType::f32, 2, 2, 2, later()),
      with_scale(make_reference_backend(), DType::f32, 2, 2, 2, scaled());
  const auto totals = at_once.run(5);
  CHECK(captured.run(5) == totals);
  CHECK(spoiling->captures == 1);
  CHECK(with_scale.run(5) == totals);  // by a power of two
  CHECK(captured.weights() == at_once.weights());
  CHECK(with_scale.weights() == at_once.weights());
  CHECK(captured.averages() == at_once.averages());
  CHECK(with_scale.averages() == at_once.averages());
}

TEST_CASE("the average follows the weights of every update") {
  const auto backend = make_reference_backend();
  Training training(backend, DType::f64, 2, 1, 2, {});
  Weights expected;
  for (int step = 1; step <= 3; ++step) {
    training.run(1);
    for (const NamedTensor& t : training.model.state()) {
      const auto now = download(*backend, t.tensor());
      auto& average = expected[t.name];
      if (step == 1) average = now;
      for (std::size_t i = 0; i < now.size(); ++i) average[i] += 0.1 * (now[i] - average[i]);
    }
  }
  const Weights got = training.averages();
  REQUIRE(got.size() == expected.size());
  for (const auto& [name, values] : expected) {
    INFO(name);
    CHECK(test::deviation(got.at(name), values) < 1e-12);
  }
}

TEST_CASE("one batch whose gradient is not finite skips the whole update, and the average stays") {
  for (const int part : {0, 1, 2}) {
    const auto backend = std::make_shared<SpoilingBackend>();
    Training training(backend, DType::f32, 2, 3, 2, scaled());
    training.run(1);
    const Weights weights = training.weights(), averages = training.averages();
    backend->spoil_at = backend->losses + 2 * part + 1;  // two towers a batch
    CHECK(training.run(1).size() == 1);
    CHECK(training.weights() == weights);
    CHECK(training.averages() == averages);
    CHECK(training.steps->state().loss_scale[0] == 512);
    training.run(1);
    CHECK(training.weights() != weights);
    CHECK(training.averages() != averages);
  }
}

TEST_CASE("a batch whose loss or gradient is not finite ends a run without a scale") {
  const auto error_of = [](Training& training) -> std::string {
    try {
      training.run(1);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  for (const StepOptions& options : {StepOptions{}, later()}) {
    const auto backend = std::make_shared<SpoilingBackend>();
    backend->spoil_at = 3;  // the second batch's first
    Training training(backend, DType::f32, 2, 2, 2, options);
    const Weights weights = training.weights(), averages = training.averages();
    CHECK(error_of(training).find("step 1: the gradient is not a finite number") == 0);
    CHECK(training.weights() == weights);
    CHECK(training.averages() == averages);
  }
}

TEST_CASE("more batches a step take the memory of one, of the gradients and of the batches themselves") {
  const auto peak = [](int batches) {
    const auto backend = make_cpu_backend();
    Training training(backend, DType::f32, 8, batches, 2, {}, 1, 64);
    training.run(2);
    return static_cast<double>(backend->memory().peak_in_use);
  };
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 4, {16, 8}});
  double gradients = 0;
  for (const NamedTensor& p : model.parameters()) gradients += static_cast<double>(p.tensor().bytes());
  const double one = peak(1), five = peak(5);
  CAPTURE(one, five, gradients);
  CHECK(five < one + gradients + (1 << 20));
}

TEST_CASE("batches that do not belong to a step are refused") {
  Training training(make_reference_backend(), DType::f32, 2, 2, 2, {});
  Batch batch{0, 0, kSize, {}, {}};
  for (std::uint64_t stream = 0; stream < 2; ++stream)
    for (std::uint64_t i = 0; i < 2; ++i) append_image(batch, stream, i);
  CHECK_THROWS_AS(training.steps->load(batch, 2), Error);
  CHECK_THROWS_AS(training.steps->load(batch, -1), Error);
  CHECK_THROWS_AS(training.steps->submit(batch, 0.1, 1), Error);  // one batch for a step of two
  append_image(batch, 0, 0);
  CHECK_THROWS_AS(training.steps->load(batch, 0), Error);
}

TEST_CASE("each batch of a step drops features of its own") {
  const auto total = [](int batches) {
    StepOptions options;
    options.drop.dropout = 0.5;
    Training training(std::make_shared<cpu::ReferenceBackend>(), DType::f64, 2, batches, 1, options);
    Batch batch{0, 0, kSize, {}, {}};
    for (std::uint64_t stream = 0; stream < 2; ++stream)
      for (std::uint64_t i = 0; i < 2; ++i) append_image(batch, stream, i);
    for (int part = 0; part < batches; ++part) training.steps->load(batch, part);
    training.steps->submit(0.0, 1);
    return training.finish().front().total;
  };
  CHECK(total(1) == total(1));
  CHECK(std::abs(total(2) - total(1)) > 1e-6);  // of the same batch twice
}

}  // namespace
}  // namespace tandem
