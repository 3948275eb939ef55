#pragma once
// Moves convolution weights between Tandem's (K, R, S, C) in f32 and the blocked layouts that oneDNN asks for on
// AVX-512. oneDNN's own reorders move 6 GB/s and less, which in a training step is as much time as a batch norm's.

#include <dnnl.hpp>
#include <optional>

#include "core/tensor/shape.h"
#include "cpu/threads.h"
#include "cpu/vector/kernels.h"

namespace tandem::cpu {

/// A blocked layout that this file knows.
struct WeightLayout {
  enum class Kind {
    columns,  ///< blocks [C / u][o][u] of some o filters, u = 1 for f32, pairs for bf16
    rows,     ///< blocks [16 filters][16 channels] of f32
    pairs,    ///< blocks [8][16 channels][2 filters] of bf16
    squares   ///< blocks [16 channels][16 filters] of f32
  };
  Kind kind;
  bool bf16;
  std::int64_t filters;                                 ///< in a block
  std::int64_t stride_k, stride_c, stride_r, stride_s;  ///< elements from one block to the next
};

/// The layout of `desc`, whose tensor is (K, C, R, S); absent if it is none of those, or w does not fill its blocks.
std::optional<WeightLayout> layout_of(const dnnl::memory::desc& desc, const Shape& w);

/// w (K, R, S, C) to its blocks. `layout` must not be of squares.
void pack_weights(Threads& threads, const WeightKernels& kernels, const WeightLayout& layout, const Shape& shape,
                  const float* w, void* packed);
/// Blocks of squares to w (K, R, S, C).
void unpack_weights(Threads& threads, const WeightKernels& kernels, const WeightLayout& layout, const Shape& shape,
                    const float* packed, float* w);

}  // namespace tandem::cpu
