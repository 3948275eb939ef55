#pragma once
// The table of op cases on some backend against the reference kernels, which compute in f32.

#include <vector>

#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"

namespace tandem::test {

inline void check_same(const char* what, const std::vector<HostTensor>& got, const std::vector<HostTensor>& expected,
                       double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(what, i, got[i].shape.size());
    CHECK(relative_error(got[i], expected[i]) < tolerance);
  }
}

/// Outputs, gradients and running statistics of every case, from memory that was poisoned before.
inline void compare_with_reference(Backend& backend, DType compute, double tolerance) {
  constexpr std::uint32_t kSeeds = 6;
  const auto reference = make_reference_backend();
  for (const OpCase& op : op_cases())
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(op.name, seed);
      Random random(seed, RandomPurpose::test);
      const OpInstance instance = op.make(random);
      poison(backend);
      const OpRun got = run_op(backend, compute, instance, seed);
      const OpRun expected = run_op(*reference, DType::f32, instance, seed);
      check_same("output", {got.output}, {expected.output}, tolerance);
      check_same("gradient of input", got.gradients, expected.gradients, tolerance);
      check_same("running statistic", got.state, expected.state, tolerance);
    }
}

}  // namespace tandem::test
