#include "layers/losses/supcon.h"

#include "core/ops/arithmetic.h"
#include "layers/twin_towers.h"

namespace tandem {
namespace {

/// What an image's similarity with itself is lowered by, so that its exponential is 0 beside the others'.
constexpr double kNever = 1e9;

class SupConTerm final : public LossTerm {
 public:
  SupConTerm(const std::string& loss, const SupConLossOptions& options)
      : LossTerm(loss, loss, options.weight), options_(options) {}

  TrainedHeads trains() const override { return heads_of(options_.on, true); }

  Variable forward(Context& context, const TowerOutputs& outputs, const Tensor& labels) override {
    const Variable z = ops::l2_normalise(context, input_of(outputs, options_.on));
    const DType real = z.value().dtype();
    const Tensor same = all_pairs_.masks(context, labels, real).same;
    const Variable itself = all_pairs_.diagonal(context, labels.dim(0), real);
    const Variable similarities =
        ops::sub(context, ops::scale(context, ops::matmul(context, z, z, false, true), 1 / options_.temperature),
                 ops::scale(context, itself, kNever));
    return ops::scale(
        context,
        ops::sum(context, ops::mul(context, log_softmax(context, similarities), shares(context, same)), Over::all), -1);
  }

 private:
  /// Of each row of x (n, n). The largest of a row is a constant that keeps the exponentials finite.
  static Variable log_softmax(Context& context, const Variable& x) {
    const Variable largest = ops::max(context, Variable(x.value()), Over::columns);
    const Variable shifted = ops::sub(context, x, largest);
    return ops::sub(context, shifted, ops::log(context, ops::sum(context, ops::exp(context, shifted), Over::columns)));
  }

  /// What each pair (i, p) counts: 1 / (|P(i)| n'), of the n' images with a pair.
  static Variable shares(Context& context, const Tensor& same) {
    const auto at_least_one = [&](const Variable& x) {
      return ops::affine(context, ops::relu(context, ops::affine(context, x, 1, -1)), 1, 1);
    };
    const Variable count = ops::sum(context, same, Over::columns);
    const Variable largest = ops::max(context, same, Over::columns);  // 1 for an image with a pair, otherwise 0
    const Variable images = at_least_one(ops::sum(context, largest, Over::all));
    return ops::div(context, same, ops::mul(context, at_least_one(count), images));
  }

  SupConLossOptions options_;
  AllPairs all_pairs_;
};

}  // namespace

void add_terms(const std::string& loss, const SupConLossOptions& options, LossTerms& terms) {
  if (options.weight > 0) terms.push_back(std::make_unique<SupConTerm>(loss, options));
}

}  // namespace tandem
