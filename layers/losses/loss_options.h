#pragma once
// Every loss that a config can ask for, once: the config's keys and the list of terms are both made from this.
//
// To add a loss NAME: layers/losses/NAME.h declares its options, with visit_keys() and add_terms() beside them, as
// softmax.h does, and NAME.cpp holds its term. Then add its options here, as a field and as a key. Let its weight be 0
// by default, and let add_terms() add nothing then, so that runs without it stay as they are.

#include "layers/losses/contrastive.h"
#include "layers/losses/softmax.h"
#include "layers/losses/supcon.h"

namespace tandem {

struct LossOptions {
  SoftmaxLossOptions softmax;
  ContrastiveLossOptions contrastive;
  SupConLossOptions supcon;

  bool operator==(const LossOptions&) const = default;
};

template <class Keys, Of<LossOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("softmax", c.softmax);
  keys("contrastive", c.contrastive);
  keys("supcon", c.supcon);
}

/// The terms of all losses, in the order above.
LossTerms make_terms(const LossOptions& options);

/// The heads that terms with a weight other than 0 train.
TrainedHeads trained_heads(const LossOptions& options);

/// Whether a loss with a weight other than 0 compares images with each other, so that each must have one label.
bool compares_images(const LossOptions& options);

/// The distance at which embeddings of different classes are left alone; 0 where no loss says one.
double distance_asked_for(const LossOptions& options);

/// Something must be trained, and "match_softmax" must have something to match.
void check_options(const LossOptions& options, OptionProblems& problems);

}  // namespace tandem
