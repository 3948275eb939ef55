#pragma once
// How the kernels name the element types of core/tensor/dtype.h.

#include "core/base/error.h"
#include "core/tensor/dtype.h"
#include "cuda/kernels/support/queue.h"

namespace tandem::cuda {

/// Error for a type that activations on a CUDA device cannot have.
inline kernels::Element element(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return kernels::Element::f32;
    case DType::bf16:
      return kernels::Element::bf16;
    case DType::f16:
      return kernels::Element::f16;
    default:
      fail("cuda: no kernel for {}; it computes in f32, bf16 and f16", dtype);
  }
}

}  // namespace tandem::cuda
