#pragma once
// The fused losses; formulas: core/backend/kernels.h.

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// Bytes of workspace for a loss over that many rows.
std::size_t loss_workspace(std::int64_t rows);

/// logits (N, K), labels (N) in [0, K); loss (1) and dlogits (N, K), overwritten, in one pass over the logits.
void softmax_cross_entropy(const Queue& queue, const float* logits, const std::int32_t* labels, std::int64_t rows,
                           std::int64_t classes, double smoothing, float* loss, float* dlogits, void* workspace);

}  // namespace tandem::cuda::kernels
