#include "layers/losses/loss_options.h"

#include <algorithm>

namespace tandem {
namespace {

/// Called with the key and the options of each loss.
struct TermMaker {
  LossTerms terms;

  template <class Options>
  void operator()(const char* loss, const Options& options) {
    add_terms(loss, options, terms);
  }
};

}  // namespace

LossTerms make_terms(const LossOptions& options) {
  TermMaker maker;
  visit_keys(maker, options);
  return std::move(maker.terms);
}

TrainedHeads trained_heads(const LossOptions& options) {
  TrainedHeads heads;
  for (const auto& term : make_terms(options)) {
    if (!term->is_trained()) continue;
    heads.classifier |= term->trains().classifier;
    heads.embedding |= term->trains().embedding;
    heads.directions |= term->trains().directions;
  }
  return heads;
}

bool compares_images(const LossOptions& options) {
  const LossTerms terms = make_terms(options);
  return std::any_of(terms.begin(), terms.end(),
                     [](const auto& term) { return term->is_trained() && !term->trains().classifier; });
}

double distance_asked_for(const LossOptions& options) {
  const ContrastiveLossOptions& contrastive = options.contrastive;
  return contrastive.weight == 0.0 || contrastive.on != LossInput::embedding ? 0 : distance_asked_for(contrastive);
}

void check_options(const LossOptions& options, OptionProblems& problems) {
  const LossTerms terms = make_terms(options);
  const auto trained = [](const auto& term) { return term->is_trained(); };
  if (std::none_of(terms.begin(), terms.end(), trained))
    problems.push_back({"", "no loss has a weight above 0, so there is nothing to learn"});
  if (std::any_of(terms.begin(), terms.end(), [](const auto& t) { return t->is_matched() && t->is_trained(); })) return;
  for (const auto& term : terms)
    if (!term->weight())
      problems.push_back({"/" + term->loss() + "/weight",
                          "a number above 0, since /loss/softmax/weight is 0 and leaves no loss to match"});
}

}  // namespace tandem
