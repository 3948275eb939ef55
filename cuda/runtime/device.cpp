#include "cuda/runtime/device.h"

#include <cuda_runtime_api.h>

#include "core/backend/backend.h"
#include "cuda/runtime/check.h"

namespace tandem {

int cuda_device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  (void)cudaGetLastError();
  return 0;
}

namespace cuda {
namespace {

constexpr int kOldestMajor = 8;  // the oldest in cmake/TandemCuda.cmake

/// How many devices there are, at least one.
int count_devices(int index) {
  int count = 0, driver = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  (void)cudaGetLastError();
  if (cudaDriverGetVersion(&driver) != cudaSuccess) driver = 0;
  if (driver == 0)
    fail_input("device cuda:{}: this machine has no NVIDIA driver, expected one for CUDA {}; use the device cpu", index,
               cuda_version(CUDART_VERSION));
  if (status == cudaErrorInsufficientDriver)
    fail_input("device cuda:{}: the NVIDIA driver is for CUDA {}, expected {} or newer; use the device cpu", index,
               cuda_version(driver), cuda_version(CUDART_VERSION));
  if (status == cudaSuccess || status == cudaErrorNoDevice)
    fail_input("device cuda:{}: this machine has no NVIDIA GPU that may be used; use the device cpu", index);
  fail_input("device cuda:{}: {} ({}); use the device cpu", index, cudaGetErrorString(status),
             cudaGetErrorName(status));
}

}  // namespace

std::string cuda_version(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

DeviceProperties open_device(int index) {
  const int count = count_devices(index);
  if (index >= count)
    fail_input("device cuda:{}: this machine has {} GPUs, the last is cuda:{}", index, count, count - 1);
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index));
  if (properties.major < kOldestMajor)
    fail_input("device cuda:{}: {} has compute capability {}.{}, expected {}.0 or newer; use the device cpu", index,
               properties.name, properties.major, properties.minor, kOldestMajor);
  check(cudaSetDevice(index));
  return {index,
          properties.name,
          properties.major,
          properties.minor,
          properties.multiProcessorCount,
          properties.totalGlobalMem};
}

}  // namespace cuda
}  // namespace tandem
