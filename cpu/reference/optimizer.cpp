#include <algorithm>
#include <cmath>

#include "cpu/reference/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {
namespace {

/// What gradients are multiplied with: the inverse of the loss's scale.
template <class T>
T unscaling(const UpdateInputs& inputs) {
  return inputs.loss_scale ? 1 / inputs.loss_scale.data<T>()[0] : T{1};
}

bool is_finite(const Tensor& scalar) {
  return scalar.dtype() == DType::f64 ? std::isfinite(scalar.data<double>()[0])
                                      : std::isfinite(scalar.data<float>()[0]);
}

}  // namespace

bool may_update(const UpdateInputs& inputs) { return !inputs.gradient_norm || is_finite(inputs.gradient_norm); }

void ReferenceBackend::sgd_update(const SgdOptions& options, const UpdateInputs& inputs,
                                  std::vector<SgdParameter>& parameters) {
  if (!may_update(inputs)) return;
  for (SgdParameter& p : parameters)
    for_real("sgd_update", p.weight.dtype(), [&](auto type) {
      using T = decltype(type);
      const T lr = inputs.scalars.data<T>()[0], unscale = unscaling<T>(inputs);
      const T momentum = static_cast<T>(options.momentum), decay = static_cast<T>(p.decay ? options.weight_decay : 0.0);
      for (std::int64_t i = 0; i < p.weight.size(); ++i) {
        T &w = p.weight.data<T>()[i], &v = p.velocity.data<T>()[i];
        const T g = p.gradient.data<T>()[i] * unscale + decay * w;
        v = momentum * v + g;
        w -= lr * (options.nesterov ? g + momentum * v : v);
      }
    });
}

template <class T>
void adam_elements(const AdamOptions& options, const UpdateInputs& inputs, AdamParameter& p, std::int64_t begin,
                   std::int64_t end) {
  const T* scalars = inputs.scalars.data<T>();
  const T lr = scalars[0], step = scalars[0] * scalars[1], correction = scalars[2], unscale = unscaling<T>(inputs);
  const T beta1 = static_cast<T>(options.beta1), beta2 = static_cast<T>(options.beta2);
  const T rest1 = static_cast<T>(1 - options.beta1), rest2 = static_cast<T>(1 - options.beta2);
  const T eps = static_cast<T>(options.eps), decay = static_cast<T>(p.decay ? options.weight_decay : 0.0);
  const T keep = options.decoupled ? 1 - lr * decay : T{1}, coupled = options.decoupled ? T{0} : decay;
  const T* gradients = p.gradient.data<T>();
  T *weights = p.weight.data<T>(), *first = p.first.data<T>(), *second = p.second.data<T>();
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = gradients[i] * unscale + coupled * weights[i];
    first[i] = beta1 * first[i] + rest1 * g;
    second[i] = beta2 * second[i] + rest2 * g * g;
    weights[i] = keep * weights[i] - step * first[i] / (std::sqrt(correction * second[i]) + eps);
  }
}

template void adam_elements<float>(const AdamOptions&, const UpdateInputs&, AdamParameter&, std::int64_t, std::int64_t);
template void adam_elements<double>(const AdamOptions&, const UpdateInputs&, AdamParameter&, std::int64_t,
                                    std::int64_t);

void ReferenceBackend::adam_update(const AdamOptions& options, const UpdateInputs& inputs,
                                   std::vector<AdamParameter>& parameters) {
  if (!may_update(inputs)) return;
  for (AdamParameter& p : parameters)
    for_real("adam_update", p.weight.dtype(),
             [&](auto type) { adam_elements<decltype(type)>(options, inputs, p, 0, p.weight.size()); });
}

void ReferenceBackend::gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) {
  for_real("gradient_norm", norm.dtype(), [&](auto type) {
    using T = decltype(type);
    double sum = 0;
    for (const Tensor& gradient : gradients)
      for (std::int64_t i = 0; i < gradient.size(); ++i) {
        const auto g = static_cast<double>(gradient.data<T>()[i]);
        sum += g * g;
      }
    norm.data<T>()[0] = static_cast<T>(std::sqrt(sum));
  });
}

void ReferenceBackend::update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm,
                                         Tensor& loss_scale) {
  for_real("update_loss_scale", loss_scale.dtype(), [&](auto type) {
    using T = decltype(type);
    T &scale = loss_scale.data<T>()[0], &steps = loss_scale.data<T>()[1];
    if (!is_finite(gradient_norm)) {
      scale = std::max(T{1}, scale * static_cast<T>(options.backoff));
      steps = 0;
    } else if (++steps >= static_cast<T>(options.interval)) {
      scale *= static_cast<T>(options.growth);
      steps = 0;
    }
  });
}

}  // namespace tandem::cpu
