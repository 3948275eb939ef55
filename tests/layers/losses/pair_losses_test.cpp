// Losses over all pairs come to pytorch-metric-learning's values and gradients (fixtures/make.py).

#include <nlohmann/json.hpp>

#include "core/backend/host_copy.h"
#include "layers/losses/loss_options.h"
#include "layers/twin_towers.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

using Options = ContrastiveLossOptions;

struct Batch {
  std::int64_t images, dims;
  std::vector<double> x;
  std::vector<std::int32_t> labels;
};

/// Batch b of the fixture.
Batch batch_of(int b) {
  Batch batch{4 + 2 * (b % 7), 2 + b % 5, {}, {}};
  for (int i = 0; i < batch.images; ++i) {
    for (int d = 0; d < batch.dims; ++d) batch.x.push_back(std::sin(1.7 * b + 2.3 * i + 4.1 * d + 0.9 * i * d));
    batch.labels.push_back((7 * i / 3 + b) % (2 + b % 3));
  }
  return batch;
}

/// The value of the last term, then of its gradient the sum of squares and that times cos(1, 2, ...).
std::vector<double> numbers(const LossOptions& options, const Batch& batch) {
  const auto backend = make_reference_backend();
  Tape tape;
  Context context{*backend, DType::f64, true, 1, &tape};
  const Variable x =
      Variable::with_gradient(real_tensor(*backend, DType::f64, batch.x).reshape({batch.images, batch.dims}));
  const LossTerms terms = make_terms(options);
  const Variable value = terms.back()->forward(context, {{}, x, x}, test::label_tensor(*backend, batch.labels));
  tape.backward(*backend, value);
  std::vector<double> result = {download(*backend, value.value())[0], 0, 0};
  double k = 0;
  for (const double g : download(*backend, x.gradient())) {
    result[1] += g * g;
    result[2] += g * std::cos(++k);
  }
  return result;
}

LossOptions supcon(double temperature) {
  LossOptions options;
  options.supcon = {1, temperature, LossInput::embedding};
  return options;
}

LossOptions contrastive(double margin, ContrastiveForm form, bool normalize, double positive_margin,
                        PairAverage average) {
  LossOptions options;
  options.contrastive = {.margin = margin,
                         .form = form,
                         .pairs = Options::Pairs::all,
                         .on = LossInput::embedding,
                         .normalize = normalize,
                         .positive_margin = positive_margin,
                         .average = average};
  return options;
}

void check(const char* name, const LossOptions& options, double factor, double tolerance_of_gradient) {
  const auto fixture = nlohmann::json::parse(
      test::read_file(std::string(TANDEM_TEST_DATA) + "/layers/losses/fixtures/pair_losses.json"));
  const auto& rows = fixture.at(name);
  REQUIRE(rows.size() == 200);
  double worst_value = 0, worst = 0;
  for (int b = 0; b < 200; ++b) {
    const auto want = rows.at(static_cast<std::size_t>(b)).get<std::vector<double>>();
    const std::vector<double> got = numbers(options, batch_of(b));
    const double norm = std::sqrt(want[1]);
    worst_value = std::max(worst_value, std::abs(factor * got[0] - want[0]) / std::max(1e-3, std::abs(want[0])));
    worst = std::max(worst, std::abs(factor * std::sqrt(got[1]) - norm) / std::max(1e-3, norm));
    worst = std::max(worst, std::abs(factor * got[2] - want[2]) / std::max(1e-3, norm));
  }
  CAPTURE(name);
  CHECK(worst_value < 1e-9);
  CHECK(worst < tolerance_of_gradient);
}

TEST_CASE("losses over all pairs equal pytorch-metric-learning's, value and gradient") {
  check("supcon 0.1", supcon(0.1), 1, 1e-6);
  check("supcon 0.5", supcon(0.5), 1, 1e-6);
  // Without that library's half.
  check("legacy, nonzero", contrastive(0.9, ContrastiveForm::legacy, true, 0, PairAverage::nonzero), 2, 1e-6);
}

TEST_CASE("Hadsell's loss over all pairs equals its definition, but for the guard of its gradient") {
  // 1e-4 beside a distance.
  check("hadsell", contrastive(1.5, ContrastiveForm::hadsell, false, 0, PairAverage::all), 1, 1e-2);
  check("hadsell, positive margin, nonzero",
        contrastive(0.8, ContrastiveForm::hadsell, true, 0.2, PairAverage::nonzero), 1, 1e-2);
}

TEST_CASE("a batch without two images of one class has no supervised contrastive loss") {
  Batch batch = batch_of(0);
  batch.labels = {0, 1, 2, 3};
  CHECK(numbers(supcon(0.1), batch) == std::vector<double>{0, 0, 0});
}

TEST_CASE("aligned pairs by cosine and by L2 of unit vectors say the same of squares") {
  LossOptions options = contrastive(2, ContrastiveForm::legacy, true, 0, PairAverage::all);
  options.contrastive.pairs = Options::Pairs::aligned;
  Batch batch = batch_of(3);
  batch.labels.assign(batch.labels.size(), 0);
  const double squared = numbers(options, batch)[0];  // mean of 1/2 d^2 = 1 - cos
  options.contrastive.distance = Options::Distance::cosine;
  const double of_cosine = numbers(options, batch)[0];  // mean of 1/2 (1 - cos)^2
  double mean = 0, mean_square = 0;
  const std::int64_t pairs = batch.images / 2;
  for (std::int64_t i = 0; i < pairs; ++i) {
    double ab = 0, aa = 0, bb = 0;
    for (std::int64_t d = 0; d < batch.dims; ++d) {
      const double a = batch.x[static_cast<std::size_t>(i * batch.dims + d)];
      const double b = batch.x[static_cast<std::size_t>((i + pairs) * batch.dims + d)];
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    const double distance = 1 - ab / std::sqrt(aa * bb);
    mean += distance / static_cast<double>(pairs);
    mean_square += distance * distance / static_cast<double>(pairs);
  }
  CHECK(squared == Approx(mean).epsilon(1e-9));
  CHECK(of_cosine == Approx(mean_square / 2).epsilon(1e-9));
}

TEST_CASE("what a loss on directions trains is told") {
  CHECK(trained_heads(supcon(0.1)).directions);
  CHECK_FALSE(trained_heads({}).directions);
  LossOptions on_features;
  on_features.contrastive.on = LossInput::features;
  CHECK_FALSE(trained_heads(on_features).embedding);
  CHECK(distance_asked_for(on_features) == 0);
  CHECK(distance_asked_for(LossOptions()) == 1);
}

}  // namespace
}  // namespace tandem
