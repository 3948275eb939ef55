#pragma once
// The losses; formulas: core/backend/kernels.h.

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// Bytes of workspace for a loss over that many rows or pairs.
std::size_t loss_workspace(std::int64_t rows);

/// logits (N, K), labels (N) in [0, K); loss (1) and dlogits (N, K), overwritten, in one pass over the logits.
void softmax_cross_entropy(const Queue& queue, const float* logits, const std::int32_t* labels, std::int64_t rows,
                           std::int64_t classes, double smoothing, float* loss, float* dlogits, void* workspace);

/// `legacy`: max(margin - d^2, 0) instead of max(margin - d, 0)^2 for different labels.
struct ContrastiveShape {
  std::int64_t pairs = 0, dims = 0;  ///< P, D
  double margin = 1.0;
  bool legacy = false;
};
/// a, b (P, D); labels_a, labels_b (P); distance (P) and loss (1), overwritten.
void contrastive_forward(const Queue& queue, const ContrastiveShape& shape, const float* a, const float* b,
                         const std::int32_t* labels_a, const std::int32_t* labels_b, float* distance, float* loss,
                         void* workspace);
/// distance (P) as contrastive_forward left it, dloss (1); da and db = -da (P, D), overwritten.
void contrastive_backward(const Queue& queue, const ContrastiveShape& shape, const float* a, const float* b,
                          const std::int32_t* labels_a, const std::int32_t* labels_b, const float* distance,
                          const float* dloss, float* da, float* db);

}  // namespace tandem::cuda::kernels
