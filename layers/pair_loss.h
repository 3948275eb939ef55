#pragma once
// The training loss of a batch of pairs.
//
//   total = w_s softmax(A) + w_s softmax(B) + w_c contrastive(A, B)

#include "layers/twin_towers.h"

namespace tandem {

struct PairLossOptions {
  double softmax_weight = 0.5;  ///< of each tower
  double label_smoothing = 0.0;
  double contrastive_weight = 0.1;
  ContrastiveOptions contrastive;
};

/// Each (1) real.
struct PairLosses {
  Variable total, softmax_a, softmax_b, contrastive;
};

/// outputs of 2N images, labels (2N) i32; the first N are tower A's. Formulas: core/backend.h.
PairLosses pair_loss(Context& context, const TowerOutputs& outputs, const Tensor& labels,
                     const PairLossOptions& options);

}  // namespace tandem
