#pragma once
// In the place of CUDA's header: as much of it as cuda/kernels/ uses.

#include <cuda_runtime.h>

#include "core/tensor/dtype.h"

struct __nv_bfloat16 {
  std::uint16_t x;
};
struct __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 value) {
  return static_cast<float>(std::bit_cast<tandem::BFloat16>(value));
}
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {tandem::BFloat16(value).bits}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}
