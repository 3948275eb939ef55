#pragma once
// Optimizers; the formulas are in core/backend/kernel_options.h.

#include <memory>
#include <string>
#include <vector>

#include "layers/module.h"
#include "train/optim/optimizer_options.h"

namespace tandem {

class Optimizer {
 public:
  /// Which parameters weight decay applies to: all, or all but biases and batch norm (the tensors of one dimension).
  enum class Decay { all, matrices };

  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// The three numbers of UpdateInputs::scalars for the update number `t`, counted from 1, with learning rate `lr`.
  virtual std::vector<double> scalars(double lr, std::int64_t t) const = 0;
  /// Updates the parameters that have a gradient, and drops the gradients.
  virtual void update(const UpdateInputs& inputs) = 0;

  /// The gradients there are.
  std::vector<Tensor> gradients() const;
  /// What the optimizer keeps of each parameter, for checkpoints: "momentum.conv1.weight".
  std::vector<NamedTensor> state();

 protected:
  /// Makes a tensor of zeros for each of `kinds` and each parameter of `module`, which must outlive this.
  Optimizer(Backend& backend, Module& module, Decay decay, std::vector<std::string> kinds);

  Backend& backend() { return backend_; }
  std::size_t size() const { return parameters_.size(); }
  const Tensor& weight(std::size_t i) const { return parameters_[i].tensor(); }
  /// Moves parameter i's gradient out: undefined if it has none.
  Tensor take_gradient(std::size_t i) {
    const Variable& parameter = *parameters_[i].parameter;
    return parameter.wants_gradient() ? parameter.slot()->take() : Tensor();
  }
  const Tensor& kept(std::size_t kind, std::size_t i) const { return kept_[kind][i]; }
  bool decays(std::size_t i) const { return decay_ == Decay::all || weight(i).shape().rank() > 1; }

 private:
  Backend& backend_;
  Decay decay_;
  std::vector<NamedTensor> parameters_;
  std::vector<std::string> kinds_;
  std::vector<std::vector<Tensor>> kept_;  // by kind, then parameter
};

/// Stochastic gradient descent with momentum. Keeps "momentum", the velocities.
class Sgd : public Optimizer {
 public:
  Sgd(Backend& backend, Module& module, const SgdOptions& options, Decay decay = Decay::matrices);
  std::vector<double> scalars(double lr, std::int64_t /*t*/) const override { return {lr, 1, 1}; }
  void update(const UpdateInputs& inputs) override;

 private:
  SgdOptions options_;
};

/// Adam, or AdamW. Keeps "exp_avg" and "exp_avg_sq", as PyTorch calls the two moments.
class Adam final : public Optimizer {
 public:
  Adam(Backend& backend, Module& module, const AdamOptions& options, Decay decay = Decay::matrices);
  std::vector<double> scalars(double lr, std::int64_t t) const override;
  void update(const UpdateInputs& inputs) override;

 private:
  AdamOptions options_;
};

/// The optimizer that the options name, over the parameters of `module`, which must outlive it.
std::unique_ptr<Optimizer> make_optimizer(Backend& backend, Module& module, const OptimizerOptions& options);

}  // namespace tandem
