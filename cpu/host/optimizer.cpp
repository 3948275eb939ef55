#include "cpu/host/optimizer.h"

#include <algorithm>
#include <cmath>

#include "cpu/host/dispatch.h"
#include "cpu/host/host_backend.h"

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

template <class T>
void update_elements(const SgdOptions& options, const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin,
                     std::int64_t end) {
  const T lr = inputs.scalars.data<T>()[0], unscale = unscaling<T>(inputs);
  const T momentum = static_cast<T>(options.momentum), decay = static_cast<T>(p.decay ? options.weight_decay : 0.0);
  const T* gradients = p.gradient.data<T>();
  T *weights = p.weight.data<T>(), *velocity = p.state[0].data<T>();
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = gradients[i] * unscale + decay * weights[i];
    velocity[i] = momentum * velocity[i] + g;
    weights[i] -= lr * (options.nesterov ? g + momentum * velocity[i] : velocity[i]);
  }
}

template <class T>
void update_elements(const AdamOptions& options, const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin,
                     std::int64_t end) {
  const T* scalars = inputs.scalars.data<T>();
  const T lr = scalars[0], step = scalars[0] * scalars[1], correction = scalars[2], unscale = unscaling<T>(inputs);
  const T beta1 = static_cast<T>(options.beta1), beta2 = static_cast<T>(options.beta2);
  const T rest1 = static_cast<T>(1 - options.beta1), rest2 = static_cast<T>(1 - options.beta2);
  const T eps = static_cast<T>(options.eps), decay = static_cast<T>(p.decay ? options.weight_decay : 0.0);
  const T keep = options.decoupled ? 1 - lr * decay : T{1}, coupled = options.decoupled ? T{0} : decay;
  const T* gradients = p.gradient.data<T>();
  T *weights = p.weight.data<T>(), *first = p.state[0].data<T>(), *second = p.state[1].data<T>();
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = gradients[i] * unscale + coupled * weights[i];
    first[i] = beta1 * first[i] + rest1 * g;
    second[i] = beta2 * second[i] + rest2 * g * g;
    weights[i] = keep * weights[i] - step * first[i] / (std::sqrt(correction * second[i]) + eps);
  }
}

template <class T>
void update_elements(const AverageOptions&, const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin,
                     std::int64_t end) {
  const T share = inputs.scalars.data<T>()[0], rest = 1 - share;
  const T* values = p.gradient.data<T>();
  T* average = p.weight.data<T>();
  // The nearer end is the one that rounding leaves exact.
  if (share < T{0.5}) {
    for (std::int64_t i = begin; i < end; ++i) average[i] += share * (values[i] - average[i]);
  } else {
    for (std::int64_t i = begin; i < end; ++i) average[i] = values[i] - rest * (values[i] - average[i]);
  }
}

template void update_elements<float>(const SgdOptions&, const UpdateInputs&, ParameterUpdate&, std::int64_t,
                                     std::int64_t);
template void update_elements<double>(const SgdOptions&, const UpdateInputs&, ParameterUpdate&, std::int64_t,
                                      std::int64_t);
template void update_elements<float>(const AdamOptions&, const UpdateInputs&, ParameterUpdate&, std::int64_t,
                                     std::int64_t);
template void update_elements<double>(const AdamOptions&, const UpdateInputs&, ParameterUpdate&, std::int64_t,
                                      std::int64_t);
template void update_elements<float>(const AverageOptions&, const UpdateInputs&, ParameterUpdate&, std::int64_t,
                                     std::int64_t);
template void update_elements<double>(const AverageOptions&, const UpdateInputs&, ParameterUpdate&, std::int64_t,
                                      std::int64_t);

void HostBackend::update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) {
  const KernelScope scope(*this, "update_loss_scale", [&] { return elements_work({&loss_scale}); });
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
