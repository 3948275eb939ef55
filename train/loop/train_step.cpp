#include "train/loop/train_step.h"

#include <cmath>

#include "layers/initialise.h"

namespace tandem {

void check_finite(const LossValues& values, std::int64_t step) {
  require(std::isfinite(values.total),
          "{}the loss is not a finite number (total {}, softmax {} and {}, contrastive {}): lower the learning rate",
          step > 0 ? fmt::format("step {}: ", step) : "", values.total, values.softmax_a, values.softmax_b,
          values.contrastive);
}

ForwardPass::ForwardPass(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                         const PairLossOptions& options, const Tensor& weights)
    : backend_(context.backend) {
  Context recording = context;  // a copy: an exception must not leave the caller a dead tape
  recording.tape = &tape_;
  recording.training = true;
  losses_ = pair_loss(recording, model.forward(recording, images), labels, options, weights);
}

LossValues ForwardPass::values() const {
  const auto read = [this](const Variable& loss) { return download(backend_, loss.value())[0]; };
  return {read(losses_.total), read(losses_.softmax_a), read(losses_.softmax_b), read(losses_.contrastive)};
}

void ForwardPass::backward(const Tensor& scale) { tape_.backward(backend_, losses_.total, scale); }

LossValues compute_gradients(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                             const PairLossOptions& options) {
  ForwardPass pass(context, model, images, labels, options);
  const LossValues values = pass.values();
  // Checked before anything is updated: a step that went wrong leaves the weights as they were.
  check_finite(values);
  pass.backward();
  return values;
}

LossValues train_step(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                      const PairLossOptions& options, Optimizer& optimizer, double lr) {
  const LossValues values = compute_gradients(context, model, images, labels, options);
  optimizer.step(lr);
  return values;
}

}  // namespace tandem
