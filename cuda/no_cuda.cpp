// The one stub: what a build without CUDA answers.

#include "core/backend/backend.h"

namespace tandem {

std::shared_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  fail_input("device cuda:{}: Tandem was built without CUDA; use the device cpu", options.index);
}

int cuda_device_count() { return 0; }

}  // namespace tandem
