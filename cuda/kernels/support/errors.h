#pragma once
// The kernels' errors, compiled without nvcc because they need fmt.

#include <cuda_runtime.h>

namespace tandem::cuda::kernels {

/// Throws Error: a kernel could not be queued.
[[noreturn]] void fail_launch(cudaError_t status);
/// Throws Error: more terms than weighted_sum takes.
[[noreturn]] void fail_terms(unsigned long count);

}  // namespace tandem::cuda::kernels
