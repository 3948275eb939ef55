#pragma once
// The training loss of a batch of pairs: total = sum over the terms of weight · value.

#include <span>
#include <string>
#include <vector>

#include "core/autograd/context.h"
#include "layers/losses/loss_options.h"
#include "layers/twin_towers.h"

namespace tandem {

/// A term's value in a step, or its mean over steps.
struct LossValue {
  std::string loss;  ///< the config's key: "softmax"
  std::string name;  ///< the key in metrics.jsonl: "softmax_a"
  double value = 0;  ///< not weighted
};

struct LossValues {
  double total = 0;  ///< weighted
  std::vector<LossValue> terms;
};

/// "softmax 2.4512, contrastive 0.9871": of each loss the mean of its terms.
std::string summary(const LossValues& values);

class TrainingLoss {
 public:
  explicit TrainingLoss(const LossOptions& options) : TrainingLoss(make_terms(options)) {}
  explicit TrainingLoss(LossTerms terms) : terms_(std::move(terms)) {}

  const LossTerms& terms() const { return terms_; }
  /// Whether a term's weight is "match_softmax".
  bool matches() const;

  /// Each (1) real; every term, also those of weight 0.
  struct Output {
    Variable total;
    std::vector<Variable> terms;
  };
  /// outputs of 2N images, labels (2N) i32; the first N are tower A's. The total reads `weights`, of LossWeights, when
  /// its gradient is computed. Error for an odd batch, or outputs of another number of images.
  Output forward(Context& context, const TowerOutputs& outputs, const Tensor& labels, const Tensor& weights) const;

  /// The total, then each term, as numbers and by their names.
  LossValues values(std::span<const double> numbers) const;

 private:
  LossTerms terms_;
};

/// The weights of the terms in the device's memory, where a captured step reads them as they are by then.
///
/// "match_softmax" is the moving average of the mean value m of the matched terms: weight <- 0.99 weight + 0.01 m.
class LossWeights {
 public:
  /// `matched`: the weight "match_softmax" to begin with. Backend and loss must outlive this.
  LossWeights(Backend& backend, DType real, const TrainingLoss& loss, double matched);

  /// (k) real: the weights of the k terms that are trained, in their order.
  const Tensor& values() const { return values_; }
  /// Takes the values of a step into the moving average. Within a captured step.
  void update(const TrainingLoss::Output& output);
  /// The weight "match_softmax" by now; 0 where no term has it. Waits for the device.
  double matched() const;

 private:
  Backend& backend_;
  std::vector<std::size_t> matched_terms_;   // indices of all terms
  std::vector<std::int64_t> matching_rows_;  // indices into values_
  Tensor values_, average_;
};

}  // namespace tandem
