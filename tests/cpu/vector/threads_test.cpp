// What does not depend on the number of threads.

#include <omp.h>

#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"

namespace tandem::test {
namespace {

/// So many threads compute as long as it lives.
class Threads {
 public:
  explicit Threads(int count) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

}  // namespace

TEST_CASE("Batch norm gives the same bits with one thread and with two") {
  const OpCase& op = op_case("batch norm of many rows");
  for (const DType compute : {DType::f32, DType::bf16}) {
    std::vector<OpRun> runs;
    for (const int count : {1, 2}) {
      const Threads threads(count);
      const auto backend = make_cpu_backend();
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
