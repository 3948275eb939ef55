#pragma once
// The softmax loss of each tower: the mean cross-entropy of its classifier, "softmax_a" and "softmax_b".
//
//   value = -1/N sum_n sum_k q log softmax(logits)_k,   q = (1 - label_smoothing) onehot(label) + label_smoothing / K
//
// For images that are mixed of two, the sum of both labels' values, each times its share.

#include <string>

#include "core/base/option_keys.h"
#include "layers/losses/loss_term.h"

namespace tandem {

struct SoftmaxLossOptions {
  double weight = 0.5;  ///< of each tower's loss
  double label_smoothing = 0;

  bool operator==(const SoftmaxLossOptions&) const = default;
};

template <class Keys, Of<SoftmaxLossOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("weight", c.weight, Range{0, 1e6});
  keys("label_smoothing", c.label_smoothing, Range{.low = 0, .high = 1, .without_high = true});
}

/// Adds the terms of the loss that the config calls `loss`.
void add_terms(const std::string& loss, const SoftmaxLossOptions& options, LossTerms& terms);

}  // namespace tandem
