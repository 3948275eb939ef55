#pragma once
// In the place of CUDA's header: as much of it as cuda/kernels/ uses.

#include <cuda_runtime.h>

#include "core/tensor/dtype.h"

struct __half {
  std::uint16_t x;
};
struct __half2 {
  __half x, y;
};

inline float __half2float(__half value) { return static_cast<float>(std::bit_cast<tandem::Float16>(value)); }
inline __half __float2half_rn(float value) { return {tandem::Float16(value).bits}; }
inline float2 __half22float2(__half2 pair) { return {__half2float(pair.x), __half2float(pair.y)}; }
inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
