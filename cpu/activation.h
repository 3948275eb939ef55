#pragma once
// From a tensor's run-time type to the vectorised kernels for it, and how work is cut among threads.

#include <algorithm>

#include "core/tensor/tensor.h"
#include "cpu/threads.h"
#include "cpu/vector/kernels.h"

namespace tandem::cpu {

/// The elements of a bf16 tensor as the kernels see them: their bits.
template <class T>
T* elements(Tensor& x) {
  if constexpr (std::is_same_v<T, std::uint16_t>)
    return x ? reinterpret_cast<T*>(x.data<BFloat16>()) : nullptr;
  else
    return x ? x.data<T>() : nullptr;
}
template <class T>
const T* elements(const Tensor& x) {
  return elements<T>(const_cast<Tensor&>(x));
}

/// Calls body(kernels, T{}) with the kernels for the type: T = float, or std::uint16_t for bf16.
template <class Body>
void for_activation(const VectorKernels& kernels, const char* kernel, DType dtype, const Body& body) {
  if (dtype == DType::f32) return body(kernels.f32, float{});
  if (dtype == DType::bf16) return body(kernels.bf16, std::uint16_t{});
  fail("{}: no CPU kernel for {}, expected f32 or bf16", kernel, dtype);
}

/// Cuts [0, n) into pieces of about `grain` and calls body(begin, end) for each, on all threads.
template <class Body>
void parallel_pieces(Threads& threads, std::int64_t n, std::int64_t grain, const Body& body) {
  threads.for_each((n + grain - 1) / grain,
                   [&](std::int64_t piece, int) { body(piece * grain, std::min(n, (piece + 1) * grain)); });
}

/// Whether a tensor is too large for the last cache to hold it until the next op reads it.
inline bool is_large(const Tensor& x) { return x.bytes() > (std::size_t{24} << 20); }

/// Elements a thread works on at a time: 64 KiB of f32.
inline constexpr std::int64_t kGrain = std::int64_t{1} << 14;

}  // namespace tandem::cpu
