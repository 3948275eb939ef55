#pragma once
// In the place of cuda/kernels/support/launch.cuh: runs the kernel at once, in the emulator.

#include <cstdint>

#include "cuda/kernels/support/errors.h"
#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// Whether devices of compute capability 8.0 and newer take such a grid.
inline bool can_launch(const dim3& grid, const dim3& block) {
  constexpr std::uint64_t kMostThreads = 1024;
  const bool blocks_exist = grid.x > 0 && grid.y > 0 && grid.z > 0;
  const bool grid_fits = grid.x <= 0x7FFFFFFFU && grid.y <= 65535 && grid.z <= 65535;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  return blocks_exist && grid_fits && block.z <= 64 && threads > 0 && threads <= kMostThreads;
}

/// Throws Error where a device would not take the kernel, and where the emulator finds one of the errors it looks for.
template <class... Parameters, class... Arguments>
void launch(const Queue& /*queue*/, dim3 grid, dim3 block, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
  static_assert((sizeof(Parameters) + ... + 0) <= 4096, "more than 4 KiB of kernel parameters");
  if (!can_launch(grid, block)) fail_launch(cudaErrorInvalidValue);
  // Converted to the parameters' types once, as by a launch; each thread has a copy of its own, as on a device.
  const auto run = [&](const Parameters&... parameters) {
    tandem::emulator::run(grid, block, [&] { kernel(parameters...); });
  };
  run(arguments...);
}

}  // namespace tandem::cuda::kernels
