#pragma once
// In the place of the CUDA runtime's header: as much of it as cuda/kernels/ uses, for the emulator of
// tests/emulator/emulator.h. The names are CUDA's.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/emulator/emulator.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
/// Blocks run one after the other, so one instance serves them all; why thread_local: emulator.cpp.
#define __shared__ static thread_local

using cudaStream_t = struct CUstream_st*;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };
const char* cudaGetErrorString(cudaError_t status);
const char* cudaGetErrorName(cudaError_t status);
cudaError_t cudaGetLastError();

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  // NOLINTNEXTLINE(google-explicit-constructor): CUDA's
  constexpr dim3(unsigned size_x = 1, unsigned size_y = 1, unsigned size_z = 1) : x(size_x), y(size_y), z(size_z) {}
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(8) float2 {
  float x, y;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

inline void __syncthreads() { tandem::emulator::wait_for_block(); }

/// The lanes must be all 32.
template <class Value>
Value __shfl_xor_sync(unsigned /*lanes*/, Value value, int distance) {
  static_assert(sizeof(Value) <= 16);
  Value other;
  tandem::emulator::exchange_in_warp(&value, &other, sizeof(Value), static_cast<unsigned>(distance));
  return other;
}

using std::isfinite;
using std::isnan;
using std::max;
using std::min;
