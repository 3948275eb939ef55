#pragma once
// Optimizers; the formulas are in core/backend/kernel_options.h.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "layers/module.h"
#include "train/optim/optimizer_options.h"
#include "train/optim/parameter_factors.h"

namespace tandem {

class Optimizer {
 public:
  /// Which parameters weight decay applies to: all, or all but biases and batch norm (the tensors of one dimension).
  using Decay = ParameterOptions::Decay;
  /// What is kept of each parameter, a tensor of its shape that begins with the same number everywhere.
  struct Kept {
    std::string name;
    double first = 0;
  };

  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// The three numbers of UpdateInputs::scalars for the update number `t`, counted from 1, with learning rate `lr`.
  virtual std::vector<double> scalars(double lr, std::int64_t t) const = 0;
  /// Updates the parameters that have a gradient, and drops the gradients. The clip of `inputs` is the optimizer's; to
  /// clip by norm it needs the gradients' norm.
  virtual void update(const UpdateInputs& inputs) = 0;

  /// The gradients there are.
  std::vector<Tensor> gradients() const;
  /// What the optimizer keeps of each parameter that may get a gradient, for checkpoints: "momentum.conv1.weight".
  std::vector<NamedTensor> state();

 protected:
  /// `module` must outlive this. Nothing is kept of the parameters named in `never_trained`, which must never have a
  /// gradient. InputError for options that do not fit the module's parameters.
  Optimizer(Backend& backend, Module& module, const ParameterOptions& options, const GradientClip& clip,
            const std::vector<Kept>& kept, const std::set<std::string>& never_trained);

  Backend& backend() { return backend_; }
  /// Moves the gradients out: the update of each parameter that has one, with what is kept of it.
  std::vector<ParameterUpdate> take_updates();
  UpdateInputs with_clip(UpdateInputs inputs) const;

 private:
  struct State {
    std::string kind;
    std::vector<Tensor> tensors;  // of each parameter; undefined where it is never trained
  };

  Backend& backend_;
  std::vector<NamedTensor> parameters_;
  std::vector<ParameterFactors> factors_;  // of each parameter
  GradientClip clip_;
  std::vector<State> state_;
};

/// An optimizer whose rule every backend has a kernel for.
template <class Rule>
class FusedOptimizer : public Optimizer {
 public:
  FusedOptimizer(Backend& backend, Module& module, const Rule& rule, const ParameterOptions& options = {},
                 const GradientClip& clip = {}, const std::set<std::string>& never_trained = {});
  std::vector<double> scalars(double lr, std::int64_t t) const override;
  void update(const UpdateInputs& inputs) override;

 private:
  Rule rule_;
};

/// Keeps "momentum", the velocities; so does Lars.
using Sgd = FusedOptimizer<SgdOptions>;
/// Adam, or AdamW. Keeps "exp_avg" and "exp_avg_sq", as PyTorch calls the two moments; so does Lamb.
using Adam = FusedOptimizer<AdamOptions>;
using Lars = FusedOptimizer<LarsOptions>;
using Lamb = FusedOptimizer<LambOptions>;
/// Keeps "square_avg" and "momentum".
using RmsProp = FusedOptimizer<RmsPropOptions>;

/// The optimizer that the options name, over the parameters of `module`, which must outlive it; `never_trained` as in
/// Optimizer's constructor.
std::unique_ptr<Optimizer> make_optimizer(Backend& backend, Module& module, const OptimizerOptions& options,
                                          const std::set<std::string>& never_trained = {});

}  // namespace tandem
