#include "train/optim/optimizer.h"

#include <cmath>
#include <type_traits>

namespace tandem {

Optimizer::Optimizer(Backend& backend, Module& module, const ParameterOptions& options, const GradientClip& clip,
                     const std::vector<Kept>& kept, const std::set<std::string>& never_trained)
    : backend_(backend),
      parameters_(module.parameters()),
      factors_(parameter_factors(parameters_, options)),
      clip_(clip) {
  for (const Kept& kind : kept) {
    State& state = state_.emplace_back(State{kind.name, {}});
    for (const NamedTensor& p : parameters_) {
      Tensor& tensor = state.tensors.emplace_back();
      if (never_trained.contains(p.name)) continue;
      tensor = backend.empty(p.tensor().shape(), p.tensor().dtype());
      backend.fill(tensor, kind.first);
    }
  }
}

std::vector<Tensor> Optimizer::gradients() const {
  std::vector<Tensor> all;
  for (const NamedTensor& p : parameters_)
    if (p.parameter->wants_gradient() && p.parameter->gradient()) all.push_back(p.parameter->gradient());
  return all;
}

std::vector<NamedTensor> Optimizer::state() {
  std::vector<NamedTensor> all;
  for (State& state : state_)
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (state.tensors[i]) all.push_back({state.kind + "." + parameters_[i].name, nullptr, &state.tensors[i]});
  return all;
}

std::vector<ParameterUpdate> Optimizer::take_updates() {
  std::vector<ParameterUpdate> updates;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Variable& parameter = *parameters_[i].parameter;
    Tensor gradient = parameter.wants_gradient() ? parameter.slot()->take() : Tensor();
    if (!gradient) continue;
    ParameterUpdate& update = updates.emplace_back(
        ParameterUpdate{parameters_[i].tensor(), std::move(gradient), {}, factors_[i].weight_decay, factors_[i].lr});
    for (std::size_t kind = 0; kind < state_.size(); ++kind) {
      require(static_cast<bool>(state_[kind].tensors[i]), "optimizer: a gradient of {}, which is never trained",
              parameters_[i].name);
      update.state.at(kind) = state_[kind].tensors[i];
    }
  }
  return updates;
}

UpdateInputs Optimizer::with_clip(UpdateInputs inputs) const {
  require(std::isinf(clip_.norm) || inputs.gradient_norm,
          "optimizer: gradients are clipped, but their norm is missing");
  inputs.clip = clip_;
  return inputs;
}

namespace {

template <class Rule>
constexpr bool has_moments() {
  return std::is_same_v<Rule, AdamOptions> || std::is_same_v<Rule, LambOptions>;
}

template <class Rule>
std::vector<Optimizer::Kept> kept_by() {
  if constexpr (has_moments<Rule>()) return {{"exp_avg", 0}, {"exp_avg_sq", 0}};
  if constexpr (std::is_same_v<Rule, RmsPropOptions>) return {{"square_avg", 1}, {"momentum", 0}};
  return {{"momentum", 0}};
}

GradientClip clip_of(const OptimizerOptions& options) {
  const bool lamb = options.type == OptimizerOptions::Type::lamb;
  GradientClip clip;
  if (lamb) clip.eps = 0;  // timm's formula
  if (options.clip_value)
    clip.value = *options.clip_value;
  else if (options.clip_norm || lamb)
    clip.norm = options.clip_norm.value_or(1);
  return clip;
}

}  // namespace

template <class Rule>
FusedOptimizer<Rule>::FusedOptimizer(Backend& backend, Module& module, const Rule& rule,
                                     const ParameterOptions& options, const GradientClip& clip,
                                     const std::set<std::string>& never_trained)
    : Optimizer(backend, module, options, clip, kept_by<Rule>(), never_trained), rule_(rule) {}

template <class Rule>
std::vector<double> FusedOptimizer<Rule>::scalars(double lr, std::int64_t t) const {
  if constexpr (has_moments<Rule>()) {
    const auto correction = [t](double beta) { return 1 / (1 - std::pow(beta, static_cast<double>(t))); };
    return {lr, correction(rule_.beta1), correction(rule_.beta2)};
  } else {
    return {lr, 1, 1};
  }
}

template <class Rule>
void FusedOptimizer<Rule>::update(const UpdateInputs& inputs) {
  std::vector<ParameterUpdate> updates = take_updates();
  backend().optimizer_update(rule_, with_clip(inputs), updates);
}

template class FusedOptimizer<SgdOptions>;
template class FusedOptimizer<AdamOptions>;
template class FusedOptimizer<LarsOptions>;
template class FusedOptimizer<LambOptions>;
template class FusedOptimizer<RmsPropOptions>;

std::unique_ptr<Optimizer> make_optimizer(Backend& backend, Module& module, const OptimizerOptions& o,
                                          const std::set<std::string>& never_trained) {
  const auto make = [&]<class Rule>(const Rule& rule) -> std::unique_ptr<Optimizer> {
    return std::make_unique<FusedOptimizer<Rule>>(backend, module, rule, o.parameters, clip_of(o), never_trained);
  };
  using enum OptimizerOptions::Type;
  switch (o.type) {
    case sgd:
      return make(SgdOptions{o.momentum, o.nesterov, o.weight_decay});
    case adam:
    case adamw:
      return make(AdamOptions{o.betas[0], o.betas[1], o.eps, o.weight_decay, o.type == adamw});
    case lars:
      return make(LarsOptions{o.momentum, o.nesterov, o.weight_decay, o.lars.trust_coefficient, o.lars.eps,
                              o.lars.trust_clip, o.lars.always_adapt});
    case lamb:
      return make(
          LambOptions{o.betas[0], o.betas[1], o.lamb.eps, o.weight_decay, o.lamb.trust_clip, o.lamb.always_adapt});
    case rmsprop_tf:
      return make(RmsPropOptions{o.rmsprop_tf.alpha, o.rmsprop_tf.eps, o.momentum, o.weight_decay});
  }
  fail("optimizer: unknown type {}", static_cast<int>(o.type));
}

}  // namespace tandem
