#pragma once
// The GPU, for tests that need one.

#include <memory>

#include "core/backend/backend.h"
#include "tests/support/catch.h"

namespace tandem::test {

/// The first GPU; null where there is none: TANDEM_SKIP("no GPU").
inline std::shared_ptr<Backend> open_gpu(const CudaOptions& options = {}) {
  return cuda_device_count() > 0 ? make_cuda_backend(options) : nullptr;
}

}  // namespace tandem::test
