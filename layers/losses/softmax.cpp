#include "layers/losses/softmax.h"

#include "layers/twin_towers.h"

namespace tandem {
namespace {

enum class Tower { a, b };

class SoftmaxTerm final : public LossTerm {
 public:
  SoftmaxTerm(const std::string& loss, Tower tower, const SoftmaxLossOptions& options)
      : LossTerm(loss, loss + (tower == Tower::a ? "_a" : "_b"), options.weight),
        tower_(tower),
        smoothing_(options.label_smoothing) {}

  TrainedHeads trains() const override { return {.classifier = true}; }
  bool is_matched() const override { return true; }
  Variable forward(Context& context, const TowerOutputs& outputs, const Tensor& labels) override {
    const std::int64_t images = labels.dim(0), pairs = images / 2;
    const std::int64_t begin = tower_ == Tower::a ? 0 : pairs, end = begin + pairs;
    const Variable logits = ops::rows(context, outputs.logits, begin, end);
    Variable own = ops::softmax_cross_entropy(context, logits, labels.rows(begin, end), smoothing_);
    if (!outputs.mixed.others) return own;
    const Variable other =
        ops::softmax_cross_entropy(context, logits, outputs.mixed.others.rows(begin, end), smoothing_);
    return ops::weighted_sum(context, {own, other}, outputs.mixed.shares);
  }

 private:
  Tower tower_;
  double smoothing_;
};

}  // namespace

void add_terms(const std::string& loss, const SoftmaxLossOptions& options, LossTerms& terms) {
  for (const Tower tower : {Tower::a, Tower::b}) terms.push_back(std::make_unique<SoftmaxTerm>(loss, tower, options));
}

}  // namespace tandem
