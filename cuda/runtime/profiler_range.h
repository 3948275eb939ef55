#pragma once
// A named range in NVIDIA's profilers (NVTX): costs nothing where none is attached.

#include <nvtx3/nvToolsExt.h>

namespace tandem::cuda {

class ProfilerRange {
 public:
  explicit ProfilerRange(const char* name) { nvtxRangePushA(name); }
  ~ProfilerRange() { nvtxRangePop(); }
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;
};

}  // namespace tandem::cuda
