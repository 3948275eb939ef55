// The demo's training, its first 200 steps without augmentation: the course of the loss on a GPU against the CPU's.

#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/synth/scene.h"
#include "layers/initialise.h"
#include "tests/cuda/gpu.h"
#include "tests/layers/tensors.h"
#include "train/loop/step_executor.h"
#include "train/optim/schedule.h"

namespace tandem::test {
namespace {

constexpr int kSteps = 200, kPairs = 16, kSize = 64, kEach = 20;
/// How far the means may be apart. The CPU's own curve in bf16 keeps to it, as the last test here shows.
constexpr double kTolerance = 0.1;
/// Where training in f16 begins: low enough that no step is skipped, which would shift the curve.
constexpr std::array<double, 2> kLossScale{1024, 0};
constexpr const char* kRecorded = TANDEM_TEST_DATA "/cuda/demo_losses.json";

/// kEach pictures of each category, in the categories' order.
std::vector<Image> paint_all() {
  std::vector<Image> all;
  std::uint32_t category = 0;
  for (const synth::Product& product : synth::products()) {
    for (std::uint32_t i = 0; i < kEach; ++i)
      all.push_back(synth::paint_scene(product, kSize, Random(1, RandomPurpose::synthesise, 0, category, i)));
    ++category;
  }
  return all;
}

Batch draw(const std::vector<Image>& pictures, std::int64_t step) {
  Batch batch{step, 2 * kPairs, kSize, {}, {}};
  Random random(1, RandomPurpose::test, static_cast<std::uint32_t>(step));
  for (int i = 0; i < batch.images; ++i) {
    const std::uint32_t chosen = random.below(static_cast<std::uint32_t>(pictures.size()));
    const auto& pixels = pictures[chosen].pixels;
    batch.pixels.insert(batch.pixels.end(), pixels.begin(), pixels.end());
    batch.labels.push_back(static_cast<std::int32_t>(chosen / kEach));
  }
  return batch;
}

std::vector<double> demo_losses(Backend& backend, DType compute) {
  const std::vector<Image> pictures = paint_all();
  TwinTowersOptions shape;
  shape.backbone.zero_init_residual = true;
  shape.classes = static_cast<std::int64_t>(synth::products().size());
  TwinTowers model(backend, param_dtype(compute), shape);
  initialise(backend, model, 1);
  Sgd optimizer(backend, model, {0.9, true, 5e-4});
  const bool on_cpu = backend.device().kind == DeviceKind::cpu;
  StepOptions options;
  options.pairs = kPairs;
  options.size = kSize;
  options.synchronous = on_cpu;
  options.max_in_flight = on_cpu ? 1 : 10;
  if (compute == DType::f16) options.loss_scaling = LossScaleOptions{};
  const TrainingLoss loss{LossOptions()};
  StepExecutor steps({backend, compute, false, 2}, model, optimizer, loss, options, {0, kLossScale});
  const Schedule schedule({}, 0.02, kSteps);
  std::vector<double> losses;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    steps.submit(draw(pictures, step), schedule.lr(step), step + 1);
    if ((step + 1) % options.max_in_flight == 0)
      steps.finish([&](const LossValues& values) { losses.push_back(values.total); });
  }
  return losses;
}

/// The mean losses of 20 steps each: single steps are at the mercy of rounding.
std::vector<double> smoothed(const std::vector<double>& losses) {
  constexpr std::size_t kTogether = 20;
  std::vector<double> means;
  for (std::size_t i = 0; i + kTogether <= losses.size(); i += kTogether) {
    const auto begin = losses.begin() + static_cast<std::ptrdiff_t>(i);
    means.push_back(std::accumulate(begin, begin + kTogether, 0.0) / kTogether);
  }
  return means;
}

void check_follows(const std::vector<double>& losses) {
  std::ifstream file(kRecorded);
  REQUIRE(file);
  const auto recorded = nlohmann::json::parse(file).at("losses").get<std::vector<double>>();
  REQUIRE(losses.size() == recorded.size());
  CHECK(losses[0] == Approx(recorded[0]).epsilon(2e-2));
  const auto got = smoothed(losses), expected = smoothed(recorded);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i, got[i], expected[i]);
    CHECK(std::abs(got[i] - expected[i]) < kTolerance);
  }
}

}  // namespace

TEST_CASE("200 steps of the demo on a GPU follow the CPU's loss curve", "[resnet50]") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  for (const DType compute : {DType::f32, DType::bf16, DType::f16}) {
    CAPTURE(name_of(compute));
    check_follows(demo_losses(*gpu, compute));
  }
}

/// Writes what the test above compares with: tests_cuda "[.record]".
TEST_CASE("Record the CPU's loss curve of the demo in f32", "[.record]") {
  const nlohmann::json recorded{{"losses", demo_losses(*make_cpu_backend(), DType::f32)}};
  std::ofstream(kRecorded) << recorded.dump(1) << '\n';
}

TEST_CASE("The CPU's own loss curve in bf16 follows that in f32", "[.slow]") {
  const auto cpu = make_cpu_backend();
  if (!cpu->supports(DType::bf16)) TANDEM_SKIP("the processor computes no bf16");
  check_follows(demo_losses(*cpu, DType::bf16));
}

}  // namespace tandem::test
