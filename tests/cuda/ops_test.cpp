// The op cases in the precisions that the CPU does not have. Those in f32 and bf16 run with tests_cpu, under
// TANDEM_TEST_DEVICE=cuda.

#include "tests/cuda/gpu.h"
#include "tests/support/ops/compare.h"

namespace tandem::test {

TEST_CASE("Ops agree with the reference in tf32") {
  const auto gpu = open_gpu({.tf32 = true});
  if (!gpu) TANDEM_SKIP("no GPU");
  compare_with_reference(*gpu, DType::f32, 1e-3);
}

TEST_CASE("Ops agree with the reference in f16") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  compare_with_reference(*gpu, DType::f16, 5e-3);
}

TEST_CASE("Ops agree with the reference where bits may differ from run to run") {
  const auto gpu = open_gpu({.deterministic = false});
  if (!gpu) TANDEM_SKIP("no GPU");
  compare_with_reference(*gpu, DType::f32, 1e-5);
}

TEST_CASE("Every op gives the same bits twice") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  for (const DType compute : {DType::f32, DType::bf16, DType::f16})
    for (const OpCase& op : op_cases()) {
      CAPTURE(op.name, name_of(compute));
      const auto run = [&] {
        Random random(1, RandomPurpose::test);
        poison(*gpu);
        return run_op(*gpu, compute, op.make(random), 1);
      };
      const OpRun first = run(), second = run();
      CHECK(first.output.values == second.output.values);
      for (std::size_t i = 0; i < first.gradients.size(); ++i)
        CHECK(first.gradients[i].values == second.gradients[i].values);
      for (std::size_t i = 0; i < first.state.size(); ++i) CHECK(first.state[i].values == second.state[i].values);
    }
}

}  // namespace tandem::test
