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
  fail("{}: no reference kernel for {}, expected f32 or f64", kernel, dtype);
}

/// ImageNet's mean and standard deviation of red, green and blue, for pixels scaled to [0, 1] (torchvision's).
inline constexpr double kImageMean[3] = {0.485, 0.456, 0.406};
inline constexpr double kImageStd[3] = {0.229, 0.224, 0.225};

}  // namespace tandem::cpu
