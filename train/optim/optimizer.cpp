#include "train/optim/optimizer.h"

#include <cmath>

namespace tandem {

Optimizer::Optimizer(Backend& backend, Module& module, Decay decay, std::vector<std::string> kinds)
    : backend_(backend), decay_(decay), parameters_(module.parameters()), kinds_(std::move(kinds)) {
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    kept_.emplace_back();
    for (const NamedTensor& p : parameters_) {
      kept_.back().push_back(backend.empty(p.tensor().shape(), p.tensor().dtype()));
      backend.fill(kept_.back().back(), 0.0);
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
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind)
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      all.push_back({kinds_[kind] + "." + parameters_[i].name, nullptr, &kept_[kind][i]});
  return all;
}

Sgd::Sgd(Backend& backend, Module& module, const SgdOptions& options, Decay decay)
    : Optimizer(backend, module, decay, {"momentum"}), options_(options) {}

void Sgd::update(const UpdateInputs& inputs) {
  std::vector<ParameterUpdate> parameters;
  for (std::size_t i = 0; i < size(); ++i)
    if (Tensor gradient = take_gradient(i))
      parameters.push_back({weight(i), std::move(gradient), {kept(0, i)}, decays(i)});
  backend().optimizer_update(options_, inputs, parameters);
}

Adam::Adam(Backend& backend, Module& module, const AdamOptions& options, Decay decay)
    : Optimizer(backend, module, decay, {"exp_avg", "exp_avg_sq"}), options_(options) {}

std::vector<double> Adam::scalars(double lr, std::int64_t t) const {
  const auto correction = [t](double beta) { return 1 / (1 - std::pow(beta, static_cast<double>(t))); };
  return {lr, correction(options_.beta1), correction(options_.beta2)};
}

void Adam::update(const UpdateInputs& inputs) {
  std::vector<ParameterUpdate> parameters;
  for (std::size_t i = 0; i < size(); ++i)
    if (Tensor gradient = take_gradient(i))
      parameters.push_back({weight(i), std::move(gradient), {kept(0, i), kept(1, i)}, decays(i)});
  backend().optimizer_update(options_, inputs, parameters);
}

std::unique_ptr<Optimizer> make_optimizer(Backend& backend, Module& module, const OptimizerOptions& options) {
  switch (options.type) {
    case OptimizerOptions::Type::sgd:
      return std::make_unique<Sgd>(backend, module,
                                   SgdOptions{options.momentum, options.nesterov, options.weight_decay});
    case OptimizerOptions::Type::adam:
    case OptimizerOptions::Type::adamw:
      return std::make_unique<Adam>(backend, module,
                                    AdamOptions{options.betas[0], options.betas[1], options.eps, options.weight_decay,
                                                options.type == OptimizerOptions::Type::adamw});
  }
  fail("optimizer: unknown type {}", static_cast<int>(options.type));
}

}  // namespace tandem
