#pragma once
// One training step: forward, loss, backward, update.

#include "layers/pair_loss.h"
#include "train/sgd.h"

namespace tandem {

struct LossValues {
  double total = 0, softmax_a = 0, softmax_b = 0, contrastive = 0;
};

/// Runs the towers on images (2N, H, W, 3) of the context's type and leaves the gradients with the parameters. Throws
/// Error if the loss is not finite; then there are no gradients.
LossValues compute_gradients(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                             const PairLossOptions& options);

/// compute_gradients, then an update with learning rate `lr`.
LossValues train_step(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                      const PairLossOptions& options, Sgd& optimizer, double lr);

}  // namespace tandem
