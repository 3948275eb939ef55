#pragma once
// A convolution as a problem to be solved, and the ways to solve it.

#include <string>

#include "core/backend/backend.h"

namespace tandem::cpu {

enum class Direction { forward, grad_input, grad_weight, inference };

enum class Method {
  direct,   ///< oneDNN's convolution on NHWC activations
  gemm,     ///< a matrix product: weight gradient of a 1x1 convolution of stride 1, or a sum over few pixels
  winograd  ///< Lavin and Gray 2016, for 3x3 of stride 1: F(4x4, 3x3) in f32, F(2x2, 3x3) in bf16 (cpu/winograd)
};
const char* name_of(Method method);

/// What a convolution's speed depends on.
struct ConvolutionProblem {
  Direction direction;
  DType dtype;  ///< of the activations
  Conv2dGeometry geometry;
  Shape x, w;  ///< (N, H, W, C), (K, R, S, C / G)
  // Of inference, which also adds a bias:
  bool adds = false;  ///< to what the output holds
  bool relu = false;  ///< at the end

  /// "forward f32 16x56x56x64 64x3x3x64 stride 1 padding 1"
  std::string name() const;
};

/// What follows the sums of a convolution in inference: y = [relu](sum [+ bias (K) f32] [+ y]).
struct AfterSums {
  Tensor bias;  ///< undefined: none
  bool adds = false, relu = false;
};

}  // namespace tandem::cpu
