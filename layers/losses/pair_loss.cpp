#include "layers/losses/pair_loss.h"

#include "layers/initialise.h"

namespace tandem {

Tensor loss_weights(Backend& backend, DType real, const PairLossOptions& options) {
  Tensor weights = backend.empty({3}, real);
  upload_real(backend, {options.softmax_weight, options.softmax_weight, options.contrastive_weight}, weights);
  return weights;
}

PairLosses pair_loss(Context& context, const TowerOutputs& outputs, const Tensor& labels,
                     const PairLossOptions& options, const Tensor& weights) {
  const std::int64_t images = labels.dim(0), pairs = images / 2;
  require(images % 2 == 0 && pairs > 0, "pair_loss: {} images, expected two of each pair", images);
  require(outputs.logits.shape()[0] == images && outputs.embeddings.shape()[0] == images,
          "pair_loss: logits {} and embeddings {} for {} labels", outputs.logits.shape(), outputs.embeddings.shape(),
          images);
  const auto a = [&](const Variable& x) { return ops::rows(context, x, 0, pairs); };
  const auto b = [&](const Variable& x) { return ops::rows(context, x, pairs, images); };
  const Tensor labels_a = labels.rows(0, pairs), labels_b = labels.rows(pairs, images);
  PairLosses losses;
  losses.softmax_a = ops::softmax_cross_entropy(context, a(outputs.logits), labels_a, options.label_smoothing);
  losses.softmax_b = ops::softmax_cross_entropy(context, b(outputs.logits), labels_b, options.label_smoothing);
  losses.contrastive =
      ops::contrastive(context, a(outputs.embeddings), b(outputs.embeddings), labels_a, labels_b, options.contrastive);
  const Tensor all = weights ? weights : loss_weights(context.backend, context.param_dtype(), options);
  std::vector<Variable> terms;
  if (options.softmax_weight != 0) terms = {losses.softmax_a, losses.softmax_b};
  const bool contrastive = options.contrastive_weight != 0;
  if (contrastive) terms.push_back(losses.contrastive);
  const std::int64_t first = options.softmax_weight != 0 ? 0 : 2, last = contrastive ? 3 : 2;
  losses.total = ops::weighted_sum(context, terms, all.rows(first, last));
  return losses;
}

}  // namespace tandem
