#pragma once
// Queues a kernel. Every launch goes through here.

#include <cstdint>

#include "cuda/kernels/support/errors.h"
#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// Throws Error if the kernel could not be queued. Errors while it runs show at the next synchronisation.
template <class... Parameters, class... Arguments>
void launch(const Queue& queue, dim3 grid, dim3 block, void (*kernel)(Parameters...), const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = queue.stream;
  const cudaError_t status = cudaLaunchKernelEx(&config, kernel, arguments...);
  if (status != cudaSuccess) fail_launch(status);
}

}  // namespace tandem::cuda::kernels
