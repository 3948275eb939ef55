// Gradient checks of every differentiable op on the reference kernels in f64, and the proof that the check can fail.

#include "tests/support/catch.h"
#include "tests/support/ops/op_run.h"
#include "tests/support/ops/sabotage.h"

namespace tandem::test {
namespace {

constexpr double kTolerance = 1e-6;
constexpr std::uint32_t kSeeds = 4;

OpInstance make(const OpCase& op, std::uint32_t seed) {
  Random random(seed, RandomPurpose::test);
  return op.make(random);
}

}  // namespace

TEST_CASE("Every op's gradients agree with differences") {
  const auto backend = make_reference_backend();
  for (const OpCase& op : op_cases())
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(op.name, seed);
      CHECK(gradient_error(*backend, make(op, seed), seed) < kTolerance);
    }
}

TEST_CASE("The gradient check rejects every sabotaged gradient") {
  for (const Sabotage& sabotage : all_sabotages()) {
    bool rejected = false;
    for (std::uint32_t seed = 0; seed < kSeeds && !rejected; ++seed) {
      const double error = gradient_error(*sabotage.backend, make(op_case(sabotage.op_case), seed), seed);
      rejected = !(error < 100 * kTolerance);  // by a wide margin
    }
    CAPTURE(sabotage.name, sabotage.op_case);
    CHECK(rejected);
  }
}

TEST_CASE("The gradient check accepts the backend that sabotage is built on") {
  const auto backend = make_honest_backend();
  for (const OpCase& op : op_cases()) {
    CAPTURE(op.name);
    CHECK(gradient_error(*backend, make(op, 1), 1) < kTolerance);
  }
}

TEST_CASE("The gradient check rejects an output that its inputs do not move") {
  const auto backend = make_reference_backend();
  OpInstance dead = make(op_case("relu"), 1);
  dead.inputs = {{"x", Role::activation, {{1, 1, 1, 2}, {-1.0, -2.0}}}};
  CHECK_FALSE(gradient_error(*backend, dead, 1) < kTolerance);
  dead.inputs[0].value.values[0] = 1;
  CHECK(gradient_error(*backend, dead, 1) < kTolerance);
}

}  // namespace tandem::test
