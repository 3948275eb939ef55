// The fixtures that PyTorch's figures are in, in f32 on a GPU, to the limits that hold on the CPU.

#include "bench/fixture.h"

#include <fstream>

#include "tests/cuda/gpu.h"

namespace tandem::test {
namespace {

nlohmann::json read_fixture(const std::string& name) {
  std::ifstream file(std::string(TANDEM_TEST_DATA) + "/bench/fixtures/" + name + ".json");
  REQUIRE(file);
  return nlohmann::json::parse(file);
}

/// Written so that a NaN fails.
void check(const Deviation& deviation, double limit) {
  INFO(deviation.where << " deviates by " << deviation.value);
  CHECK_FALSE(deviation.where.empty());
  CHECK(deviation.value <= limit);
}

}  // namespace

TEST_CASE("A GPU agrees with PyTorch's figures", "[resnet50]") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  for (const char* name :
       {"resnet18_32px_6pairs_separate", "resnet50_64px_4pairs_separate", "resnet50_64px_4pairs_stacked"}) {
    CAPTURE(name);
    const nlohmann::json fixture = read_fixture(name);
    const FixtureResult f32 = run_fixture(*gpu, DType::f32, fixture);
    check(f32.first_losses, 1e-4);
    check(f32.grads, 1e-2);
    check(f32.after_step0, 1e-3);
    check(f32.losses, 5e-2);
    check(run_fixture(*gpu, DType::bf16, fixture).first_losses, 2e-2);
    check(run_fixture(*gpu, DType::f16, fixture).first_losses, 5e-3);
  }
}

}  // namespace tandem::test
