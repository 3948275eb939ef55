#include "train/optim/ema.h"

#include <algorithm>
#include <cmath>

namespace tandem {

Ema::Ema(Backend& backend, Module& module, const EmaOptions& options)
    : backend_(backend), options_(options), tensors_(module.state()) {
  averages_.reserve(tensors_.size());
  for (const NamedTensor& t : tensors_) averages_.push_back(backend.empty(t.tensor().shape(), t.tensor().dtype()));
  restart();
}

void Ema::restart() {
  for (std::size_t i = 0; i < tensors_.size(); ++i) backend_.copy(tensors_[i].tensor(), averages_[i]);
}

double Ema::share(std::int64_t t) const {
  if (t <= 1) return 1;
  if (!options_.warmup) return 1 - options_.decay;
  const double warm = std::pow(1 + static_cast<double>(t - 1) / options_.warmup_gamma, -options_.warmup_power);
  return std::max(warm, 1 - options_.decay);
}

void Ema::update(const Tensor& share, const Tensor& gradient_norm) {
  std::vector<ParameterUpdate> updates;
  updates.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i) updates.push_back({averages_[i], tensors_[i].tensor(), {}, 0});
  backend_.optimizer_update(AverageOptions{}, {share, gradient_norm, {}}, updates);
}

std::vector<NamedTensor> Ema::state() {
  std::vector<NamedTensor> all;
  all.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i) all.push_back({tensors_[i].name, nullptr, &averages_[i]});
  return all;
}

void Ema::exchange() {
  for (std::size_t i = 0; i < tensors_.size(); ++i) std::swap(tensors_[i].tensor(), averages_[i]);
}

}  // namespace tandem
