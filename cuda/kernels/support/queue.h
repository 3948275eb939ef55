#pragma once
// The hand-written CUDA kernels: plain functions that queue work on a stream and return at once.
//
// Conventions of every header in this folder:
//   - Shapes use the letters of core/tensor/shape.h; M is N*H*W, the rows of a channels-last matrix (M, C).
//   - Pointers are device memory, dense and row-major, owned by the caller, and must stay valid until the stream has
//     reached the kernel (for a captured stream: as long as the graph is replayed). Pointers of type void* point to
//     elements of the Element type that the function takes.
//   - Any size is allowed, 0 elements too. Accesses are 16 bytes wide where addresses and C allow it, otherwise element
//     by element; the results are the same.
//   - Arithmetic is done in f32, sums over many elements in f64 at their end; results are rounded to nearest even once.
//   - No kernel uses atomics: the same inputs give the same bits on the same kind of device.
//   - A kernel that cannot be queued throws Error.
//   - A workspace is scratch memory of the size that the function named *_workspace says, 256-byte aligned, its content
//     undefined before and after. Work that is queued later on the same stream may reuse it.
//
// What nvcc compiles includes no header of core/ that needs fmt, which nvcc does not compile in C++20.

#include <cuda_runtime.h>

#include <cstdint>

namespace tandem::cuda::kernels {

/// The types of activations, T.
enum class Element : std::uint8_t { f32, bf16, f16 };

/// Where kernels are queued. The number of multiprocessors of the stream's device sizes grids.
struct Queue {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
};

}  // namespace tandem::cuda::kernels
