// Whole training steps on a GPU.

#include "tests/cuda/gpu.h"
#include "tests/cuda/small_training.h"
#include "tests/layers/tensors.h"
#include "tests/support/temp_dir.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem::test {
namespace {

constexpr DType kTypes[] = {DType::f32, DType::bf16, DType::f16};

}  // namespace

TEST_CASE("Two runs on a GPU give the same bits") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  for (const DType compute : kTypes)
    for (const bool adam : {false, true}) {
      CAPTURE(name_of(compute), adam);
      SmallTraining first(*gpu, compute, false, adam);
      const auto losses = first.run(10);
      const auto weights = first.weights();
      const auto other_gpu = open_gpu();  // another context: other memory
      SmallTraining second(*other_gpu, compute, false, adam);
      CHECK(second.run(10) == losses);
      CHECK(second.weights() == weights);
    }
}

TEST_CASE("Captured steps give the bits of steps called one by one") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  for (const DType compute : kTypes)
    for (const bool adam : {false, true}) {
      CAPTURE(name_of(compute), adam);
      SmallTraining captured(*gpu, compute, false, adam);
      SmallTraining eager(*gpu, compute, false, adam, SmallTraining::kBegin, false);
      CHECK(captured.run(10) == eager.run(10));
      CHECK(captured.steps().captured());
      CHECK_FALSE(eager.steps().captured());
      CHECK(captured.weights() == eager.weights());
      CHECK(captured.steps().state().matched_weight == eager.steps().state().matched_weight);
      CHECK(captured.steps().state().loss_scale == eager.steps().state().loss_scale);
    }
}

TEST_CASE("What else is done between captured steps does not disturb them") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  SmallTraining alone(*gpu, DType::bf16, false), disturbed(*gpu, DType::bf16, false);
  const auto losses = alone.run(12);
  std::vector<double> got;
  std::vector<Tensor> kept;
  for (int i = 0; i < 4; ++i) {
    for (const double loss : disturbed.run(3)) got.push_back(loss);
    // Memory that would be the steps' own, were it not held for them, filled with NaNs that stay.
    for (const std::int64_t bytes : {1 << 10, 1 << 16, 1 << 20, 1 << 22}) {
      kept.push_back(gpu->empty({bytes}, DType::u8));
      const std::vector<std::uint8_t> ones(static_cast<std::size_t>(bytes), 0xFF);
      gpu->copy_from_host(ones.data(), kept.back());
    }
  }
  CHECK(got == losses);
  CHECK(alone.weights() == disturbed.weights());
  for (const Tensor& tensor : kept) {
    std::vector<std::uint8_t> bytes(tensor.bytes());
    gpu->copy_to_host(tensor, bytes.data());
    CHECK(std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0xFF; }));
  }
}

TEST_CASE("A training step on a GPU lowers the loss in every precision") {
  for (const bool tf32 : {false, true}) {
    const auto gpu = open_gpu({.tf32 = tf32});
    if (!gpu) TANDEM_SKIP("no GPU");
    for (const DType compute : kTypes) {
      CAPTURE(name_of(compute), tf32);
      SmallTraining training(*gpu, compute, false);
      const auto losses = training.run(60);
      CHECK(all_finite(losses));
      CHECK(losses.back() < 0.7 * losses.front());
    }
  }
}

TEST_CASE("The first steps on a GPU are those of the CPU") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  const auto cpu = make_cpu_backend();
  SmallTraining on_gpu(*gpu, DType::f32, false), on_cpu(*cpu, DType::f32, true);
  const auto got = on_gpu.run(3), expected = on_cpu.run(3);
  CHECK(got[0] == Approx(expected[0]).epsilon(1e-4));
  CHECK(got[2] == Approx(expected[2]).epsilon(1e-3));
}

TEST_CASE("A checkpoint moves from the CPU to a GPU and back") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  const auto cpu = make_cpu_backend();
  const TempDir folder;
  CheckpointInfo info;
  info.config.data.train[0].list = "list.txt";
  info.classes = {"a", "b", "c", "d"};
  info.state.loss_scale = {2048.0, 3.0};
  SmallTraining first(*cpu, DType::f32, true, true);
  first.run(2);
  const auto save = [&](const char* name, Backend& backend, SmallTraining& from) {
    CheckpointSnapshot(backend, from.model(), from.optimizer(), info).write(folder / name);
  };
  const auto load = [&](const char* name, Backend& backend, SmallTraining& to) {
    const Checkpoint checkpoint(folder / name);
    checkpoint.load_model(backend, to.model());
    checkpoint.load_optimizer(backend, to.optimizer());
    CHECK(checkpoint.info().state.loss_scale == info.state.loss_scale);
    to.t = first.t;
  };
  save("cpu", *cpu, first);
  const StepState state = first.steps().state();
  SmallTraining moved(*gpu, DType::f32, false, true, state), back(*cpu, DType::f32, true, true, state);
  load("cpu", *gpu, moved);
  CHECK(moved.weights() == first.weights());
  save("gpu", *gpu, moved);
  load("gpu", *cpu, back);
  CHECK(back.weights() == first.weights());
  // All three go on alike.
  const double expected = first.run(1)[0];
  CHECK(moved.run(1)[0] == Approx(expected).epsilon(1e-4));
  CHECK(back.run(1)[0] == expected);
}

TEST_CASE("A GPU out of memory says how much was asked, held and free, and goes on") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  SmallTraining training(*gpu, DType::bf16, false);
  const auto losses = training.run(6);
  const Tensor some = gpu->empty({1 << 20}, DType::f32);
  try {
    gpu->empty({std::int64_t{1} << 42}, DType::u8);
    FAIL("4 TiB were allocated");
  } catch (const OutOfMemory& e) {
    CHECK(e.asked() >= std::size_t{1} << 42);
    CHECK(e.held() >= std::size_t{1} << 22);
    CHECK(e.free() > 0);
    CHECK(e.free() < std::size_t{1} << 42);
  }
  CHECK(all_finite(training.run(6)));
}

}  // namespace tandem::test
