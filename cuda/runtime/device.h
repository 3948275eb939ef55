#pragma once
// The devices of this machine.

#include <cstddef>
#include <string>

namespace tandem::cuda {

struct DeviceProperties {
  int index;
  std::string name;  ///< "NVIDIA H200"
  int major, minor;  ///< compute capability
  int multiprocessors;
  std::size_t memory_bytes;
};

/// Makes device `index` the calling thread's. InputError, in one line, if there is no driver, no GPU, no GPU of that
/// index, the driver is older than the runtime Tandem was built with, or the GPU too old for Tandem's kernels.
DeviceProperties open_device(int index);

/// "13.0", from a version number in CUDA's format.
std::string cuda_version(int version);

}  // namespace tandem::cuda
