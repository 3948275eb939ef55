// The kernels of the device under test (TANDEM_TEST_DEVICE) against the reference kernels, by the table of op cases.

#include "tests/support/catch.h"
#include "tests/support/op_run.h"

namespace tandem::test {
namespace {

constexpr std::uint32_t kSeeds = 6;

void check_same(const char* what, const std::vector<HostTensor>& got, const std::vector<HostTensor>& expected,
                double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(what, i, got[i].shape.size());
    CHECK(relative_error(got[i], expected[i]) < tolerance);
  }
}

void compare_with_reference(Backend& backend, DType compute, double tolerance) {
  const auto reference = make_reference_backend();
  for (const OpCase& op : op_cases())
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(op.name, seed);
      Random random(seed, RandomPurpose::test);
      const OpInstance instance = op.make(random);
      poison(backend);
      const OpRun got = run_op(backend, compute, instance, seed);
      const OpRun expected = run_op(*reference, compute == DType::f64 ? DType::f64 : DType::f32, instance, seed);
      check_same("output", {got.output}, {expected.output}, tolerance);
      check_same("gradient of input", got.gradients, expected.gradients, tolerance);
      check_same("running statistic", got.state, expected.state, tolerance);
    }
}

}  // namespace

TEST_CASE("Poisoned memory shows what a kernel leaves unwritten") {
  const auto backend = make_test_backend();
  poison(*backend);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const HostTensor left = download(*backend, backend->empty({100, 7}, dtype));
    for (const double x : left.values) CHECK(x != x);
    CHECK_FALSE(relative_error(left, {{100, 7}, std::vector<double>(700, 1.0)}) < 1);
  }
}

TEST_CASE("Ops agree with the reference in f32") { compare_with_reference(*make_test_backend(), DType::f32, 1e-5); }

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

TEST_CASE("Ops agree with the reference in bf16") {
  const auto backend = make_test_backend();
  if (!backend->supports(DType::bf16)) TANDEM_SKIP("the device computes no bf16");
  compare_with_reference(*backend, DType::bf16, 2e-2);
}

TEST_CASE("A backend serves several types by turns") {
  const auto backend = make_test_backend();
  if (!backend->supports(DType::bf16)) TANDEM_SKIP("the device computes no bf16");
  const auto run = [](Backend& on, DType compute, const char* name) {
    Random random(1, RandomPurpose::test);
    return run_op(on, compute, op_case(name).make(random), 1);
  };
  for (const char* name : {"conv2d 3x3", "batch norm with relu", "max pool"})
    for (const DType compute : {DType::f32, DType::bf16, DType::f32}) {
      const OpRun alone = run(*make_test_backend(), compute, name), got = run(*backend, compute, name);
      CAPTURE(name, compute);
      CHECK(relative_error(got.output, alone.output) < 1e-6);
      check_same("gradient of input", got.gradients, alone.gradients, 1e-6);
    }
}

TEST_CASE("Ops agree with the reference in f64") {
  const auto backend = make_test_backend();
  if (!backend->supports(DType::f64)) TANDEM_SKIP("the device computes no f64");
  compare_with_reference(*backend, DType::f64, 1e-12);
}

}  // namespace tandem::test
