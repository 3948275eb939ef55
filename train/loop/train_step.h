#pragma once
// One training step: forward, loss, backward, update.

#include "layers/losses/pair_loss.h"
#include "train/optim/optimizer.h"

namespace tandem {

struct LossValues {
  double total = 0, softmax_a = 0, softmax_b = 0, contrastive = 0;
};

/// Error unless the total is finite. It names the step, counted from 1, unless that is 0.
void check_finite(const LossValues& values, std::int64_t step = 0);

/// The forward pass of a step, with a tape that leads back from its losses. Not copied: the rules know their tape.
class ForwardPass {
 public:
  /// images (2N, H, W, 3) of the context's type, labels (2N); `weights` as in pair_loss().
  ForwardPass(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
              const PairLossOptions& options, const Tensor& weights = {});
  const PairLosses& losses() const { return losses_; }
  /// Waits for the losses.
  LossValues values() const;
  /// Leaves the gradients of `scale` (1) times the total, or of the total, with the parameters.
  void backward(const Tensor& scale = {});

 private:
  Backend& backend_;
  Tape tape_;
  PairLosses losses_;
};

/// Runs the towers on images (2N, H, W, 3) of the context's type and leaves the gradients with the parameters. Throws
/// Error if the loss is not finite; then there are no gradients.
LossValues compute_gradients(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                             const PairLossOptions& options);

/// compute_gradients, then an update with learning rate `lr`.
LossValues train_step(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                      const PairLossOptions& options, Optimizer& optimizer, double lr);

}  // namespace tandem
