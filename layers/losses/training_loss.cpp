#include "layers/losses/training_loss.h"

#include <algorithm>

#include "core/backend/host_copy.h"

namespace tandem {
namespace {

/// The share that the moving average keeps.
constexpr double kAverage = 0.99;

}  // namespace

std::string summary(const LossValues& values) {
  std::string text;
  for (auto first = values.terms.begin(); first != values.terms.end();) {
    const auto last =
        std::find_if(first, values.terms.end(), [&](const LossValue& v) { return v.loss != first->loss; });
    double sum = 0;
    for (auto v = first; v != last; ++v) sum += v->value;
    text += fmt::format("{}{} {:.4f}", text.empty() ? "" : ", ", first->loss, sum / static_cast<double>(last - first));
    first = last;
  }
  return text;
}

bool TrainingLoss::matches() const {
  return std::any_of(terms_.begin(), terms_.end(), [](const auto& term) { return !term->weight(); });
}

TrainingLoss::Output TrainingLoss::forward(Context& context, const TowerOutputs& outputs, const Tensor& labels,
                                           const Tensor& weights) const {
  const std::int64_t images = labels.dim(0);
  require(images % 2 == 0 && images > 0, "loss: {} images, expected two of each pair", images);
  require(outputs.logits.shape()[0] == images && outputs.embeddings.shape()[0] == images,
          "loss: logits {} and embeddings {} for {} labels", outputs.logits.shape(), outputs.embeddings.shape(),
          images);
  Output output;
  std::vector<Variable> trained;
  for (const auto& term : terms_) {
    output.terms.push_back(term->forward(context, outputs, labels));
    if (term->is_trained()) trained.push_back(output.terms.back());
  }
  output.total = ops::weighted_sum(context, trained, weights);
  return output;
}

LossValues TrainingLoss::values(std::span<const double> numbers) const {
  require(numbers.size() == 1 + terms_.size(), "loss: {} values, expected {}", numbers.size(), 1 + terms_.size());
  LossValues values{numbers[0], {}};
  for (std::size_t i = 0; i < terms_.size(); ++i)
    values.terms.push_back({terms_[i]->loss(), terms_[i]->name(), numbers[i + 1]});
  return values;
}

LossWeights::LossWeights(Backend& backend, DType real, const TrainingLoss& loss, double matched) : backend_(backend) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < loss.terms().size(); ++i) {
    const LossTerm& term = *loss.terms()[i];
    if (term.is_matched()) matched_terms_.push_back(i);
    if (!term.weight()) matching_rows_.push_back(static_cast<std::int64_t>(weights.size()));
    if (term.is_trained()) weights.push_back(term.weight().value_or(matched));
  }
  values_ = real_tensor(backend, real, weights);
  if (matching_rows_.empty()) return;
  require(!matched_terms_.empty(), "loss: no term that \"match_softmax\" could match");
  std::vector<double> shares(matched_terms_.size(), (1 - kAverage) / static_cast<double>(matched_terms_.size()));
  shares.insert(shares.begin(), kAverage);
  average_ = real_tensor(backend, real, shares);
}

void LossWeights::update(const TrainingLoss::Output& output) {
  if (matching_rows_.empty()) return;
  std::vector<Tensor> terms = {values_.rows(matching_rows_[0], matching_rows_[0] + 1)};
  for (const std::size_t i : matched_terms_) terms.push_back(output.terms[i].value());
  Tensor average = backend_.empty({1}, values_.dtype());
  backend_.weighted_sum(terms, average_, average);
  for (const std::int64_t row : matching_rows_) {
    Tensor weight = values_.rows(row, row + 1);
    backend_.copy(average, weight);
  }
}

double LossWeights::matched() const {
  if (matching_rows_.empty()) return 0;
  return download(backend_, values_)[static_cast<std::size_t>(matching_rows_[0])];
}

}  // namespace tandem
