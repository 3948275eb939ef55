#pragma once
// A convolution in the form that cuDNN takes.

#include <string>

#include "core/backend/backend.h"
#include "cuda/cudnn/descriptor.h"

namespace tandem::cuda {

enum class Direction { forward, grad_input, grad_weight };

/// x (N, H, W, C) and y (N, H', W', K) are of type `activations`, in NHWC order; w (K, R, S, C / G) is of type
/// `weights`. cuDNN takes from C and C / G that there are G groups. It computes one of them from the other two, and
/// sums in f32.
struct ConvolutionProblem {
  Direction direction;
  DType activations;
  DType weights;
  Conv2dGeometry geometry;
  Shape x, w;

  Shape y() const { return {x[0], geometry.output(x[1], w[1]), geometry.output(x[2], w[2]), w[0]}; }
  /// "grad_weight bf16 f32 256x56x56x64 64x3x3x64 stride 1 padding 1"
  std::string name() const;
  bool operator==(const ConvolutionProblem&) const = default;
};

/// How an execution names the tensors.
enum class Operand : std::int64_t { x = 1, w = 2, y = 3 };

/// cuDNN on the device of `handle`. Without a handle, the device is only described: engines can be found and plans
/// made, but not run. Tests use that to ask about an H100 on a machine that has none.
struct CudnnTarget {
  cudnnHandle_t handle = nullptr;
  const Descriptor* device = nullptr;
};

/// The problem as an operation graph of one operation. Tensors must be 16-byte aligned.
Descriptor operation_graph(const CudnnTarget& target, const ConvolutionProblem& problem);

}  // namespace tandem::cuda
