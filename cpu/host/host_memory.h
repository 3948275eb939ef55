#pragma once
// Host memory for tensors: large anonymous mappings, backed by huge pages where the system grants them.

#include "core/tensor/arena.h"

namespace tandem::cpu {

class HostSegments : public SegmentSource {
 public:
  void* acquire(std::size_t bytes) override;
  void release(void* segment, std::size_t bytes) noexcept override;
};

/// Throws OutOfMemory unless so many bytes could be had now, all at once; nothing is held.
void require_host_memory(std::size_t bytes);

}  // namespace tandem::cpu
