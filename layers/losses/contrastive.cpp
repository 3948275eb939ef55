#include "layers/losses/contrastive.h"

#include <cmath>

#include "layers/twin_towers.h"

namespace tandem {
namespace {

class ContrastiveTerm final : public LossTerm {
 public:
  ContrastiveTerm(const std::string& loss, const ContrastiveLossOptions& options)
      : LossTerm(loss, loss, options.weight), options_{options.margin, options.form} {}

  TrainedHeads trains() const override { return {.embedding = true}; }
  Variable forward(Context& context, const TowerOutputs& outputs, const Tensor& labels) override {
    const std::int64_t images = labels.dim(0), pairs = images / 2;
    const Variable a = ops::rows(context, outputs.embeddings, 0, pairs);
    const Variable b = ops::rows(context, outputs.embeddings, pairs, images);
    return ops::contrastive(context, a, b, labels.rows(0, pairs), labels.rows(pairs, images), options_);
  }

 private:
  ContrastiveOptions options_;
};

}  // namespace

double distance_asked_for(const ContrastiveLossOptions& options) {
  return options.form == ContrastiveForm::legacy ? std::sqrt(options.margin) : options.margin;
}

void add_terms(const std::string& loss, const ContrastiveLossOptions& options, LossTerms& terms) {
  terms.push_back(std::make_unique<ContrastiveTerm>(loss, options));
}

}  // namespace tandem
