#pragma once
// The training loss of a batch of pairs.
//
//   total = w_s softmax(A) + w_s softmax(B) + w_c contrastive(A, B)

#include "core/ops/ops.h"
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

/// The options' weights of softmax A, softmax B and the contrastive loss, (3) of type `real`.
Tensor loss_weights(Backend& backend, DType real, const PairLossOptions& options);

/// outputs of 2N images, labels (2N) i32; the first N are tower A's. Formulas: core/ops/ops.h. The weights are
/// read from `weights` (3) if it is given, on the device, so that they may change from step to step; a loss that has
/// weight 0 in the options is left out of the total and has no gradient.
PairLosses pair_loss(Context& context, const TowerOutputs& outputs, const Tensor& labels,
                     const PairLossOptions& options, const Tensor& weights = {});

}  // namespace tandem
