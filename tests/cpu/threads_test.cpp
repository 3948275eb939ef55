// Results do not depend on the number of threads.

#include "tests/support/catch.h"
#include "tests/support/op_run.h"

namespace tandem::test {

TEST_CASE("Batch norm gives the same bits with one thread and with two") {
  const OpCase& op = op_case("batch norm of many rows");
  for (const DType compute : {DType::f32, DType::bf16}) {
    std::vector<OpRun> runs;
    for (const int threads : {1, 2}) {
      const auto backend = make_cpu_backend({threads});
      if (!backend->supports(compute)) continue;
      Random random(1, RandomPurpose::test);
      runs.push_back(run_op(*backend, compute, op.make(random), 1));
    }
    if (runs.empty()) continue;
    CHECK(runs[0].output.values == runs[1].output.values);
    for (std::size_t i = 0; i < runs[0].gradients.size(); ++i)
      CHECK(runs[0].gradients[i].values == runs[1].gradients[i].values);
    for (std::size_t i = 0; i < runs[0].state.size(); ++i) CHECK(runs[0].state[i].values == runs[1].state[i].values);
  }
}

}  // namespace tandem::test
