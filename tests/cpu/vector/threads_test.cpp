// What does not depend on the number of threads.

#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"

namespace tandem::test {
namespace {

/// Runs the op with one thread and with three, and compares every bit.
void check_bits(const OpCase& op) {
  CAPTURE(op.name);
  for (const DType compute : {DType::f32, DType::bf16}) {
    std::vector<OpRun> runs;
    for (const int count : {1, 3}) {
      CpuOptions options;
      options.threads = count;
      const auto backend = make_cpu_backend(options);
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

}  // namespace

TEST_CASE("Every op gives the same bits with one thread and with three") {
  for (const OpCase& op : op_cases()) check_bits(op);
}

}  // namespace tandem::test
