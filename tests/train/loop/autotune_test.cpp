// Training with autotuned convolutions (Winograd's among them) against training with the usual ones.

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "layers/initialise.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "train/loop/step_executor.h"

namespace tandem {
namespace {

constexpr int kSteps = 30;

/// The losses of the steps of a small network on the same few pairs of images.
std::vector<double> loss_curve(bool autotune, DType compute) {
  const auto backend = make_cpu_backend({.autotune = autotune});
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 4, {16, 8}});
  initialise(*backend, model, 1);
  Sgd sgd(*backend, model, {0.9, false, 1e-4});
  const TrainingLoss loss{LossOptions()};
  const Tensor images = test::random_tensor(*backend, {8, 48, 48, 3}, compute, 1);
  StepOptions options;
  options.pairs = 4;
  options.size = 48;
  options.normalize = [&](const Tensor& /*pixels*/, Tensor& to) { backend->copy(images, to); };
  StepExecutor steps({*backend, compute, false, 2}, model, sgd, loss, options, {});
  const Batch batch{0, 8, 48, std::vector<std::uint8_t>(8 * 48 * 48 * 3), {0, 1, 2, 3, 0, 3, 1, 2}};
  std::vector<double> losses;
  for (int step = 1; step <= kSteps; ++step) {
    steps.submit(batch, 0.002, step);
    steps.finish([&](const LossValues& values) { losses.push_back(values.total); });
  }
  return losses;
}

void check_autotuned(DType compute, double tolerance) {
  const test::TempDir cache;
  setenv("TANDEM_CACHE", cache.path().c_str(), 1);
  const std::vector<double> usual = loss_curve(false, DType::f32), tuned = loss_curve(true, compute),
                            again = loss_curve(true, compute);
  unsetenv("TANDEM_CACHE");
  CHECK(usual.back() < 0.5 * usual.front());
  for (std::size_t i = 0; i < usual.size(); ++i) {
    CAPTURE(i);
    // What is chosen depends on the moment, and so does rounding, which counts for more as the loss nears 0.
    CHECK(tuned[i] == Approx(usual[i]).epsilon(tolerance).margin(tolerance * usual.front() / 10));
  }
  CHECK(tuned == again);
  std::ostringstream plan;
  plan << std::ifstream(cache / "convolutions.txt").rdbuf();
  if (plan.str().find("winograd") == std::string::npos)
    WARN("Winograd's convolution was not the fastest, or is not there");
}

}  // namespace

TEST_CASE("autotuned convolutions in f32 follow the loss curve of the usual ones, and again to the same bits",
          "[slow]") {
  check_autotuned(DType::f32, 1e-2);
}

TEST_CASE("autotuned convolutions in bf16 follow the loss curve of f32, and again to the same bits", "[slow]") {
  if (!make_cpu_backend()->supports(DType::bf16)) TANDEM_SKIP("this processor has no bf16 instructions");
  check_autotuned(DType::bf16, 1e-1);
}

}  // namespace tandem
