#include "layers/losses/contrastive.h"

#include <cmath>

#include "core/ops/arithmetic.h"
#include "layers/twin_towers.h"

namespace tandem {
namespace {

using Pairs = ContrastiveLossOptions::Pairs;
using Distance = ContrastiveLossOptions::Distance;

Variable square(Context& context, const Variable& x) { return ops::mul(context, x, x); }

/// (1 - cos)^2 from the cosines.
Variable squared_cosine_distances(Context& context, const Variable& cosines) {
  return square(context, ops::affine(context, cosines, -1, 1));
}

class ContrastiveTerm final : public LossTerm {
 public:
  ContrastiveTerm(const std::string& loss, const ContrastiveLossOptions& options)
      : LossTerm(loss, loss, options.weight),
        options_(options),
        formula_{options.margin, options.form, options.positive_margin, options.average} {}

  TrainedHeads trains() const override { return heads_of(options_.on, options_.normalize); }

  Variable forward(Context& context, const TowerOutputs& outputs, const Tensor& labels) override {
    const Variable& input = input_of(outputs, options_.on);
    const Variable x = options_.normalize ? ops::l2_normalise(context, input) : input;
    return options_.pairs == Pairs::all ? of_all_pairs(context, x, labels) : of_aligned_pairs(context, x, labels);
  }

 private:
  Variable of_aligned_pairs(Context& context, const Variable& x, const Tensor& labels) const {
    const std::int64_t images = labels.dim(0), pairs = images / 2;
    const Variable a = ops::rows(context, x, 0, pairs), b = ops::rows(context, x, pairs, images);
    const Tensor labels_a = labels.rows(0, pairs), labels_b = labels.rows(pairs, images);
    if (options_.distance == Distance::l2) return ops::contrastive(context, a, b, labels_a, labels_b, formula_);
    const Variable cosines = ops::sum(context, ops::mul(context, a, b), Over::columns);
    const Tensor same =
        ops::equal(context, labels_a.reshape({pairs, 1}), labels_b.reshape({pairs, 1}), x.value().dtype());
    return ops::contrastive(context, squared_cosine_distances(context, cosines),
                            {same, ops::affine(context, same, -1, 1).value()}, formula_);
  }

  Variable of_all_pairs(Context& context, const Variable& x, const Tensor& labels) {
    const Variable squared = options_.distance == Distance::l2
                                 ? squared_distances(context, x)
                                 : squared_cosine_distances(context, ops::matmul(context, x, x, false, true));
    return ops::contrastive(context, squared, all_pairs_.masks(context, labels, x.value().dtype()), formula_);
  }

  ContrastiveLossOptions options_;
  ContrastiveOptions formula_;
  AllPairs all_pairs_;
};

}  // namespace

double distance_asked_for(const ContrastiveLossOptions& options) {
  return options.form == ContrastiveForm::legacy ? std::sqrt(options.margin) : options.margin;
}

void add_terms(const std::string& loss, const ContrastiveLossOptions& options, LossTerms& terms) {
  terms.push_back(std::make_unique<ContrastiveTerm>(loss, options));
}

}  // namespace tandem
