#pragma once
// One term of the training loss. The total is the sum over all terms of weight · value.
//
// A loss of the config ("softmax") makes one term or several ("softmax_a" and "softmax_b", one for each tower).
// Whatever handles losses goes through the list of terms; to add a loss, see layers/losses/loss_options.h.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tandem {

struct Context;
struct TowerOutputs;
class Tensor;
class Variable;

/// The heads of the network that a loss trains. The backbone is trained through either.
struct TrainedHeads {
  bool classifier = false;
  bool embedding = false;
  bool directions = false;  ///< embeddings are compared by their directions: their lengths mean nothing
};

class LossTerm {
 public:
  /// `loss`: the config's key. `name`: the key in metrics.jsonl. `weight`: in the total; absent: "match_softmax".
  LossTerm(std::string loss, std::string name, std::optional<double> weight)
      : loss_(std::move(loss)), name_(std::move(name)), weight_(weight) {}
  virtual ~LossTerm() = default;
  LossTerm(const LossTerm&) = delete;
  LossTerm& operator=(const LossTerm&) = delete;

  const std::string& loss() const { return loss_; }
  const std::string& name() const { return name_; }
  const std::optional<double>& weight() const { return weight_; }
  /// A term of weight 0 is computed for the log, and has no gradient.
  bool is_trained() const { return weight_ != 0.0; }

  virtual TrainedHeads trains() const = 0;
  /// Whether the weight "match_softmax" of other terms follows this term's value.
  virtual bool is_matched() const { return false; }
  /// The value, (1) real, for the outputs of 2N images and their labels (2N) i32; the first N are tower A's. Within a
  /// captured step: no value may pass through the host.
  virtual Variable forward(Context& context, const TowerOutputs& outputs, const Tensor& labels) = 0;

 private:
  std::string loss_, name_;
  std::optional<double> weight_;
};

using LossTerms = std::vector<std::unique_ptr<LossTerm>>;

}  // namespace tandem
