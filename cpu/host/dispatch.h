#pragma once
// From a run-time element type to a template's argument.

#include <type_traits>

#include "core/tensor/tensor.h"

namespace tandem::cpu {

/// Calls body(T{}) with T = float or double. Any other type throws, naming the kernel.
template <class Body>
void for_real(const char* kernel, DType dtype, const Body& body) {
  if (dtype == DType::f32) return body(float{});
  if (dtype == DType::f64) return body(double{});
  fail("{}: no CPU kernel for {}, expected f32 or f64", kernel, dtype);
}

}  // namespace tandem::cpu
