#include "cuda/cudnn/convolution_problem.h"

#include <array>

namespace tandem::cuda {
namespace {

constexpr std::int64_t kAlignment = 16;

cudnnDataType_t data_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return CUDNN_DATA_FLOAT;
    case DType::bf16:
      return CUDNN_DATA_BFLOAT16;
    case DType::f16:
      return CUDNN_DATA_HALF;
    default:
      fail("convolution: no kernel for {}", dtype);
  }
}

/// A tensor whose last dimension, the channels, is contiguous. cuDNN orders dimensions as (N, C, H, W) in every
/// layout; the strides say where the elements are.
Descriptor tensor(Operand operand, DType dtype, const Shape& shape) {
  using Dims = std::array<std::int64_t, 4>;
  const Dims dims{shape[0], shape[3], shape[1], shape[2]};
  const Dims strides{shape[1] * shape[2] * shape[3], 1, shape[2] * shape[3], shape[3]};
  Descriptor descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, static_cast<std::int64_t>(operand));
  descriptor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, data_type(dtype));
  descriptor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment);
  descriptor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::span<const std::int64_t>(dims));
  descriptor.set(CUDNN_ATTR_TENSOR_STRIDES, std::span<const std::int64_t>(strides));
  descriptor.finalize();
  return descriptor;
}

Descriptor convolution(const Conv2dGeometry& geometry) {
  using Pair = std::array<std::int64_t, 2>;
  const Pair strides{geometry.stride, geometry.stride}, padding{geometry.padding, geometry.padding}, dilation{1, 1};
  Descriptor descriptor(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  descriptor.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  descriptor.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  descriptor.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::span<const std::int64_t>(dilation));
  descriptor.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::span<const std::int64_t>(strides));
  descriptor.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::span<const std::int64_t>(padding));
  descriptor.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::span<const std::int64_t>(padding));
  descriptor.finalize();
  return descriptor;
}

/// The attributes of one direction's operation.
struct Attributes {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
};

constexpr Attributes kForward{CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
constexpr Attributes kGradInput{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
constexpr Attributes kGradWeight{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};

const Attributes& attributes_of(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return kForward;
    case Direction::grad_input:
      return kGradInput;
    case Direction::grad_weight:
      return kGradWeight;
  }
  fail("convolution: no such direction");
}

std::string joined(const Shape& shape) { return fmt::format("{}x{}x{}x{}", shape[0], shape[1], shape[2], shape[3]); }

}  // namespace

std::string ConvolutionProblem::name() const {
  constexpr const char* kDirections[] = {"forward", "grad_input", "grad_weight"};
  return fmt::format("{} {} {} {} {} stride {} padding {}", kDirections[static_cast<int>(direction)], activations,
                     weights, joined(x), joined(w), geometry.stride, geometry.padding);
}

Descriptor operation_graph(const CudnnTarget& target, const ConvolutionProblem& problem) {
  const Attributes& names = attributes_of(problem.direction);
  Descriptor operation(names.type);
  operation.set(names.convolution, convolution(problem.geometry));
  operation.set(names.x, tensor(Operand::x, problem.activations, problem.x));
  operation.set(names.w, tensor(Operand::w, problem.weights, problem.w));
  operation.set(names.y, tensor(Operand::y, problem.activations, problem.y()));
  operation.set(names.alpha, 1.0F);
  operation.set(names.beta, 0.0F);
  operation.finalize();

  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  if (target.handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, target.handle);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
  graph.finalize();
  return graph;
}

}  // namespace tandem::cuda
