#pragma once
// The loss that a config asks for by default, for tests that need some loss.

#include "layers/losses/training_loss.h"

namespace tandem::test {

inline Variable default_loss(Context& context, const TowerOutputs& outputs, const Tensor& labels) {
  const TrainingLoss loss{LossOptions()};
  const LossWeights weights(context.backend, context.param_dtype(), loss, 0);
  return loss.forward(context, outputs, labels, weights.values()).total;
}

}  // namespace tandem::test
