#pragma once
// A device that Tandem trains on: what it is (core/backend/runtime.h) and what it computes (core/backend/kernels.h).

#include <memory>
#include <optional>

#include "core/backend/kernels.h"
#include "core/backend/runtime.h"

namespace tandem {

class Backend : public Runtime, public Kernels {};

struct CpuOptions {
  std::optional<int> threads = std::nullopt;  ///< that compute; absent: compute_threads() of core/base/processors.h
  bool autotune = false;  ///< compute each convolution in the way that proves fastest when it is first met
};
/// The CPU, for activations of type f32, and bf16 where the processor has it.
std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options = {});
/// The CPU again, by plain, readable kernels that every other kernel is compared with; f32 and f64. `threads` as in
/// CpuOptions.
std::shared_ptr<Backend> make_reference_backend(std::optional<int> threads = std::nullopt);
struct CudaOptions {
  int index = 0;              ///< which device
  bool tf32 = false;          ///< products of f32 tensors round their factors to TF32; otherwise they are f32's
  bool deterministic = true;  ///< the same inputs give the same bits
};
/// A CUDA device, for activations of type f32, bf16 and f16. InputError where there is none, or where Tandem was built
/// without CUDA.
std::shared_ptr<Backend> make_cuda_backend(const CudaOptions& options = {});
/// How many CUDA devices there are: 0 in a build without CUDA.
int cuda_device_count();

}  // namespace tandem
