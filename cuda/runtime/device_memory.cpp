#include "cuda/runtime/device_memory.h"

#include <utility>

#include "core/base/error.h"
#include "cuda/runtime/check.h"
#include "cuda/runtime/outside_capture.h"

namespace tandem::cuda {

void* DeviceSegments::acquire(std::size_t bytes) {
  const OutsideCapture outside;
  check(cudaSetDevice(device_));
  void* segment = nullptr;
  const cudaError_t status = cudaMalloc(&segment, bytes);
  if (status == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total));
    throw OutOfMemory(bytes, 0, free);
  }
  check(status);
  return segment;
}

void DeviceSegments::release(void* segment, std::size_t) noexcept {
  const OutsideCapture outside;
  (void)cudaFree(segment);  // at the end of a program the driver, and with it the memory, may be gone
}

PinnedMemory::PinnedMemory(std::size_t bytes) {
  check(cudaHostAlloc(memory_.receive(), bytes == 0 ? 1 : bytes, cudaHostAllocDefault));
}

}  // namespace tandem::cuda
