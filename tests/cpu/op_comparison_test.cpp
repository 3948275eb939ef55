// The kernels of the device under test (TANDEM_TEST_DEVICE) against the reference kernels, by the table of op cases.

#include "tests/support/ops/compare.h"

namespace tandem::test {

TEST_CASE("Poisoned memory shows what a kernel leaves unwritten", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  poison(*backend);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const HostTensor left = download(*backend, backend->empty({100, 7}, dtype));
    for (const double x : left.values) CHECK(x != x);
    CHECK_FALSE(relative_error(left, {{100, 7}, std::vector<double>(700, 1.0)}) < 1);
  }
}

TEST_CASE("Ops agree with the reference in f32", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  compare_with_reference(*backend, DType::f32, 1e-5);
}

TEST_CASE("Ops agree with the reference in bf16", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
  if (!backend->supports(DType::bf16)) TANDEM_SKIP("the device computes no bf16");
  compare_with_reference(*backend, DType::bf16, 2e-2);
}

TEST_CASE("A backend serves several types by turns", "[device]") {
  const auto backend = make_test_backend();
  if (!backend) TANDEM_SKIP("no GPU");
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

}  // namespace tandem::test
