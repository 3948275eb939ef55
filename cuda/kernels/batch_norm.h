#pragma once
// Batch normalisation over the rows of x (M, C) in G groups of M / G rows; formulas: core/backend/kernels.h.
//
// In training, a first pass over x takes partial sums. The rows are cut into pieces; their number depends only on the
// shape and on the number of multiprocessors. Each piece sums x - shift and (x - shift)^2 in f32, where shift is one of
// its rows. A second kernel combines the pieces in f64, in order (Chan, Golub, LeVeque 1983). A second pass over x
// normalises. The gradient is computed in the same way.

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

struct BatchNormShape {
  std::int64_t rows = 0;      ///< M
  std::int64_t channels = 0;  ///< C
  std::int64_t groups = 1;    ///< G, which divides M
};

/// Bytes of workspace for batch_norm_forward_train and batch_norm_backward.
std::size_t batch_norm_workspace(const Queue& queue, const BatchNormShape& shape);

struct BatchNormForward {
  const void* x = nullptr;         ///< (M, C) T
  const void* residual = nullptr;  ///< (M, C) T, or null: none
  const float* gamma = nullptr;    ///< (C)
  const float* beta = nullptr;     ///< (C)
  float* running_mean = nullptr;   ///< (C), updated group after group
  float* running_var = nullptr;    ///< (C), updated group after group with the unbiased variance
  void* y = nullptr;               ///< (M, C) T, overwritten; may be residual
  float* mean = nullptr;           ///< (G, C), overwritten
  float* inv_std = nullptr;        ///< (G, C), overwritten: 1 / sqrt(biased variance + eps)
  std::uint8_t* mask = nullptr;    ///< (M, ceil(C / 8)), overwritten: bit c % 8 of byte c / 8 set where y > 0 before
                                   ///< rounding to T. Null: no ReLU
  bool fixed_statistics = false;   ///< the running statistics are used and do not change; mean and inv_std are theirs
};
/// y = [relu]( gamma * (x - mean) * inv_std + beta [+ residual] ); the ReLU is applied if there is a mask.
void batch_norm_forward_train(const Queue& queue, Element type, const BatchNormShape& shape, double eps,
                              double momentum, const BatchNormForward& arrays, void* workspace);

/// y (M, C) T = [relu]( gamma * (x - running_mean) / sqrt(running_var + eps) + beta [+ residual] ). residual may be
/// null, y may be residual. NaN stays NaN.
void batch_norm_forward_eval(const Queue& queue, Element type, std::int64_t rows, std::int64_t channels, double eps,
                             bool relu, const void* x, const void* residual, const float* gamma, const float* beta,
                             const float* running_mean, const float* running_var, void* y);

struct BatchNormBackward {
  const void* dy = nullptr;            ///< (M, C) T
  const void* x = nullptr;             ///< (M, C) T
  const float* gamma = nullptr;        ///< (C)
  const float* mean = nullptr;         ///< (G, C)
  const float* inv_std = nullptr;      ///< (G, C)
  const std::uint8_t* mask = nullptr;  ///< (M, ceil(C / 8)); null: there was no ReLU
  void* dx = nullptr;                  ///< (M, C) T, overwritten; may be dy, unless dresidual is
  void* dresidual = nullptr;           ///< (M, C) T, overwritten: dy where the mask is set; may be dy. Null: not wanted
  float* dgamma = nullptr;             ///< (C), overwritten
  float* dbeta = nullptr;              ///< (C), overwritten
  bool fixed_statistics = false;       ///< of the forward pass: dx = gamma * inv_std * dy'
};
void batch_norm_backward(const Queue& queue, Element type, const BatchNormShape& shape, const BatchNormBackward& arrays,
                         void* workspace);

}  // namespace tandem::cuda::kernels
