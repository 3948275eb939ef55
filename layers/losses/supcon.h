#pragma once
// The supervised contrastive loss (Khosla and others 2020, equation 2, L_out): each image of a batch tells those of its
// class from all others. Over the 2N images of both towers, with z their vectors, each divided by its length, t the
// temperature, and P(i) the other images of i's class:
//
//   value = mean over the i with P(i) not empty of
//             -1/|P(i)| sum_{p in P(i)} log( exp(z_i z_p / t) / sum_{a != i} exp(z_i z_a / t) )
//
// 0 if no two images have one class. It is pytorch-metric-learning's SupConLoss, but that there images whose loss is 0
// do not count either, and that a batch of one class has none.

#include <string>

#include "core/base/option_keys.h"
#include "layers/losses/loss_term.h"
#include "layers/losses/pairwise.h"

namespace tandem {

struct SupConLossOptions {
  double weight = 0;
  double temperature = 0.1;
  LossInput on = LossInput::embedding;

  bool operator==(const SupConLossOptions&) const = default;
};

template <class Keys, Of<SupConLossOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("weight", c.weight, Range{0, 1e6});
  keys("temperature", c.temperature, Range{.low = 1e-3, .high = 100});
  keys("on", c.on);
}

/// Adds the term of the loss that the config calls `loss`, unless its weight is 0.
void add_terms(const std::string& loss, const SupConLossOptions& options, LossTerms& terms);

}  // namespace tandem
