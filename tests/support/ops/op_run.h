#pragma once
// Runs the op cases: on a backend, forward and backward, and checks gradients against differences.

#include "tests/support/ops/op_cases.h"

namespace tandem::test {

/// What one run of an op leaves, on the host.
struct OpRun {
  HostTensor output;
  std::vector<HostTensor> gradients;  ///< of each input
  std::vector<HostTensor> state;
};

double round_to_bf16(double x);
/// Standard normal numbers that bf16 holds, so that every type computes with the same.
HostTensor random_tensor(const Shape& shape, Random& random);

Tensor upload(Backend& backend, const HostTensor& values, DType dtype);
/// The elements of an f32, f64, bf16 or f16 tensor.
HostTensor download(Backend& backend, const Tensor& tensor);

/// Forward and backward with activations of type `compute`; the output's gradient is random, the same for the same
/// seed.
OpRun run_op(Backend& backend, DType compute, const OpInstance& instance, std::uint64_t seed);

/// |got - expected| / |expected|, in Euclidean norms: NaN where got has one, infinite where only `expected` is zero.
double relative_error(const HostTensor& got, const HostTensor& expected);

/// Makes the memory that the backend hands out next consist of NaNs (of 255 as bytes), so that what a kernel forgets to
/// write shows. `bytes` must cover what will be asked for.
void poison(Backend& backend, std::int64_t bytes = std::int64_t{4} << 20);

/// Compares the gradients of a run in f64 with central differences of <output, r> along random directions, r random.
/// The worst input's error relative to the derivatives themselves; NaN or infinity if there is no derivative to
/// compare.
double gradient_error(Backend& backend, const OpInstance& instance, std::uint64_t seed);

/// The backend that TANDEM_TEST_DEVICE (cpu, cuda; default cpu) names: the one compared with the reference. Null where
/// that is a GPU that this machine has not.
std::shared_ptr<Backend> make_test_backend();

}  // namespace tandem::test
