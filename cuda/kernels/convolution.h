#pragma once
// Kernels around the libraries' convolutions and matrix products.

#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// y (M, K) T = [relu]( x + bias [+ residual] ), x (M, K) T, bias (K) f32, residual (M, K) T or null. y may be x or
/// residual. NaN stays NaN. The end of a convolution or of a linear layer.
void bias_residual_relu(const Queue& queue, Element type, std::int64_t rows, std::int64_t channels, const void* x,
                        const float* bias, const void* residual, bool relu, void* y);

/// With s = gamma / sqrt(running_var + eps): folded_w (K, row) = s * w (K, row), folded_b (K) = beta - s *
/// running_mean. row is R*S*C; the rest is (K).
void fold_batch_norm(const Queue& queue, double eps, std::int64_t filters, std::int64_t row, const float* w,
                     const float* gamma, const float* beta, const float* running_mean, const float* running_var,
                     float* folded_w, float* folded_b);

/// sums (K) = the sum of the rows of x (N, K): a bias's gradient.
void column_sums(const Queue& queue, const float* x, std::int64_t rows, std::int64_t columns, float* sums);

}  // namespace tandem::cuda::kernels
