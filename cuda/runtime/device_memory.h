#pragma once
// A device's memory for an arena, and page-locked host memory, which the device reads and writes by itself.

#include <cuda_runtime_api.h>

#include "core/tensor/arena.h"
#include "cuda/runtime/handle.h"

namespace tandem::cuda {

/// Segments from cudaMalloc. They may be acquired and released while the calling thread captures a stream.
class DeviceSegments final : public SegmentSource {
 public:
  explicit DeviceSegments(int device) : device_(device) {}
  void* acquire(std::size_t bytes) override;
  void release(void* segment, std::size_t bytes) noexcept override;

 private:
  int device_;
};

class PinnedMemory {
 public:
  explicit PinnedMemory(std::size_t bytes);
  void* data() const { return memory_.get(); }

 private:
  Handle<void*, cudaFreeHost> memory_;
};

}  // namespace tandem::cuda
