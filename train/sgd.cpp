#include "train/sgd.h"

namespace tandem {

Sgd::Sgd(Backend& backend, Module& module, const SgdOptions& options, Decay decay)
    : backend_(backend), options_(options), decay_(decay), parameters_(module.parameters()) {
  for (const NamedTensor& p : parameters_) {
    velocities_.push_back(backend.empty(p.tensor().shape(), p.tensor().dtype()));
    backend.fill(velocities_.back(), 0.0);
  }
}

void Sgd::step(double lr) {
  options_.lr = lr;
  std::vector<SgdParameter> update;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor gradient = parameters_[i].parameter->slot()->take();
    if (!gradient) continue;
    const Tensor& weight = parameters_[i].tensor();
    update.push_back({weight, std::move(gradient), velocities_[i], decay_ == Decay::all || weight.shape().rank() > 1});
  }
  backend_.sgd_update(options_, update);
}

std::vector<NamedTensor> Sgd::state() {
  std::vector<NamedTensor> all;
  for (std::size_t i = 0; i < parameters_.size(); ++i) all.push_back({parameters_[i].name, nullptr, &velocities_[i]});
  return all;
}

}  // namespace tandem
