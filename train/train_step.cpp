#include "train/train_step.h"

#include <cmath>

#include "layers/initialise.h"

namespace tandem {
namespace {

double read(Backend& backend, const Variable& scalar) { return download(backend, scalar.value())[0]; }

}  // namespace

LossValues compute_gradients(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                             const PairLossOptions& options) {
  Tape tape;
  Context recording = context;  // a copy: an exception must not leave the caller a dead tape
  recording.tape = &tape;
  recording.training = true;
  const PairLosses losses = pair_loss(recording, model.forward(recording, images), labels, options);
  Backend& backend = context.backend;
  const LossValues values{read(backend, losses.total), read(backend, losses.softmax_a), read(backend, losses.softmax_b),
                          read(backend, losses.contrastive)};
  // Checked before anything is updated: a step that went wrong leaves the weights as they were.
  require(std::isfinite(values.total),
          "the loss is not a finite number (total {}, softmax {} and {}, contrastive {}): lower the learning rate",
          values.total, values.softmax_a, values.softmax_b, values.contrastive);
  tape.backward(backend, losses.total);
  return values;
}

LossValues train_step(const Context& context, TwinTowers& model, const Tensor& images, const Tensor& labels,
                      const PairLossOptions& options, Sgd& optimizer, double lr) {
  const LossValues values = compute_gradients(context, model, images, labels, options);
  optimizer.step(lr);
  return values;
}

}  // namespace tandem
