#include "cpu/host/optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/host/dispatch.h"
#include "cpu/host/host_backend.h"

namespace tandem::cpu {
namespace {

bool is_finite(const Tensor& scalar) {
  return scalar.dtype() == DType::f64 ? std::isfinite(scalar.data<double>()[0])
                                      : std::isfinite(scalar.data<float>()[0]);
}

/// What the rules read and change of one parameter.
template <class T>
struct Elements {
  T lr, unbias1, unbias2;
  T decay, factor, limit;
  T ratio = 1;  // of trust
  const T* gradient;
  T *weight, *first, *second;  // the second null where a rule keeps less

  Elements(double weight_decay, const UpdateInputs& inputs, ParameterUpdate& p)
      : lr(inputs.scalars.data<T>()[0] * static_cast<T>(p.lr)),
        unbias1(inputs.scalars.data<T>()[1]),
        unbias2(inputs.scalars.data<T>()[2]),
        decay(static_cast<T>(weight_decay * p.decay)),
        factor(gradient_factor<T>(inputs)),
        limit(static_cast<T>(inputs.clip.value)),
        gradient(p.gradient.data<T>()),
        weight(p.weight.data<T>()),
        first(p.state[0].data<T>()),
        second(p.state[1] ? p.state[1].data<T>() : nullptr) {}

  T clipped(std::int64_t i) const { return std::clamp(gradient[i] * factor, -limit, limit); }
};

// Each rule: the elements [begin, end) of a parameter. ----------------------------------------------------------------

template <class T>
void update_elements(const SgdOptions& options, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  const T momentum = static_cast<T>(options.momentum);
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = e.ratio * (e.clipped(i) + e.decay * e.weight[i]);
    e.first[i] = momentum * e.first[i] + g;
    e.weight[i] -= e.lr * (options.nesterov ? g + momentum * e.first[i] : e.first[i]);
  }
}

template <class T>
void update_elements(const AdamOptions& options, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  const T step = e.lr * e.unbias1, eps = static_cast<T>(options.eps);
  const T beta1 = static_cast<T>(options.beta1), beta2 = static_cast<T>(options.beta2);
  const T rest1 = static_cast<T>(1 - options.beta1), rest2 = static_cast<T>(1 - options.beta2);
  const T keep = options.decoupled ? 1 - e.lr * e.decay : T{1}, coupled = options.decoupled ? T{0} : e.decay;
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = e.clipped(i) + coupled * e.weight[i];
    e.first[i] = beta1 * e.first[i] + rest1 * g;
    e.second[i] = beta2 * e.second[i] + rest2 * g * g;
    e.weight[i] = keep * e.weight[i] - step * e.first[i] / (std::sqrt(e.unbias2 * e.second[i]) + eps);
  }
}

template <class T>
void update_elements(const LarsOptions& options, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  update_elements(SgdOptions{options.momentum, options.nesterov}, e, begin, end);
}

/// LAMB's u, once the moments are this step's.
template <class T>
T lamb_step(const LambOptions& options, const Elements<T>& e, std::int64_t i) {
  return e.unbias1 * e.first[i] / (std::sqrt(e.unbias2 * e.second[i]) + static_cast<T>(options.eps)) +
         e.decay * e.weight[i];
}

template <class T>
void update_elements(const LambOptions& options, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) e.weight[i] -= e.lr * e.ratio * lamb_step(options, e, i);
}

template <class T>
void update_elements(const RmsPropOptions& options, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  const T rest = static_cast<T>(1 - options.alpha), eps = static_cast<T>(options.eps);
  const T momentum = static_cast<T>(options.momentum);
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = e.clipped(i) + e.decay * e.weight[i];
    e.first[i] += rest * (g * g - e.first[i]);
    e.second[i] = momentum * e.second[i] + e.lr * g / std::sqrt(e.first[i] + eps);
    e.weight[i] -= e.second[i];
  }
}

// Trust ratios: of a first pass's sums a parameter's ratio is made. ---------------------------------------------------

struct Squares {
  double weight = 0, other = 0;  // the other: of the gradient or of the step
};

template <class T>
Squares first_pass(const LarsOptions&, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  Squares sums;
  for (std::int64_t i = begin; i < end; ++i) {
    const auto w = static_cast<double>(e.weight[i]), g = static_cast<double>(e.clipped(i));
    sums.weight += w * w;
    sums.other += g * g;
  }
  return sums;
}

template <class T>
Squares first_pass(const LambOptions& options, const Elements<T>& e, std::int64_t begin, std::int64_t end) {
  const T beta1 = static_cast<T>(options.beta1), beta2 = static_cast<T>(options.beta2);
  const T rest1 = static_cast<T>(1 - options.beta1), rest2 = static_cast<T>(1 - options.beta2);
  Squares sums;
  for (std::int64_t i = begin; i < end; ++i) {
    const T g = e.clipped(i);
    e.first[i] = beta1 * e.first[i] + rest1 * g;
    e.second[i] = beta2 * e.second[i] + rest2 * g * g;
    const auto w = static_cast<double>(e.weight[i]), u = static_cast<double>(lamb_step(options, e, i));
    sums.weight += w * w;
    sums.other += u * u;
  }
  return sums;
}

template <class T>
double trust_ratio(const LarsOptions& options, const Elements<T>& e, const Squares& sums) {
  const auto decay = static_cast<double>(e.decay);
  if (decay == 0 && !options.always_adapt) return 1;
  const double w = std::sqrt(sums.weight), g = std::sqrt(sums.other);
  const double ratio = w > 0 && g > 0 ? options.trust * w / (g + decay * w + options.eps) : 1;
  return options.trust_clip ? std::min(ratio / static_cast<double>(e.lr), 1.0) : ratio;
}

template <class T>
double trust_ratio(const LambOptions& options, const Elements<T>& e, const Squares& sums) {
  if (e.decay == 0 && !options.always_adapt) return 1;
  const double w = std::sqrt(sums.weight), u = std::sqrt(sums.other), ratio = w > 0 && u > 0 ? w / u : 1;
  return options.trust_clip ? std::min(ratio, 1.0) : ratio;
}

template <class T, class Rule>
void update_parameter(const Rule& rule, Elements<T> e, std::int64_t size, const Pieces& pieces) {
  if constexpr (requires { first_pass(rule, e, 0, 0); }) {
    // Each piece has its own sums, so that they do not depend on the number of threads.
    std::vector<Squares> sums(static_cast<std::size_t>((size + pieces.grain - 1) / pieces.grain));
    pieces.for_each(size, [&](std::int64_t begin, std::int64_t end) {
      sums[static_cast<std::size_t>(begin / pieces.grain)] = first_pass(rule, e, begin, end);
    });
    Squares all;
    for (const Squares& piece : sums) {
      all.weight += piece.weight;
      all.other += piece.other;
    }
    e.ratio = static_cast<T>(trust_ratio(rule, e, all));
  }
  pieces.for_each(size, [&](std::int64_t begin, std::int64_t end) { update_elements(rule, e, begin, end); });
}

template <class T>
void average_elements(const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin, std::int64_t end) {
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

}  // namespace

bool may_update(const UpdateInputs& inputs) { return !inputs.gradient_norm || is_finite(inputs.gradient_norm); }

template <class T>
T gradient_factor(const UpdateInputs& inputs) {
  const T unscale = inputs.loss_scale ? 1 / inputs.loss_scale.data<T>()[0] : T{1};
  if (std::isinf(inputs.clip.norm)) return unscale;
  const T norm = inputs.gradient_norm.data<T>()[0] * unscale;
  return unscale * std::min(T{1}, static_cast<T>(inputs.clip.norm) / (norm + static_cast<T>(inputs.clip.eps)));
}

template <class T>
void update_parameter(const UpdateRule& rule, const UpdateInputs& inputs, ParameterUpdate& p, const Pieces& pieces) {
  std::visit(
      [&]<class Rule>(const Rule& options) {
        if constexpr (std::is_same_v<Rule, AverageOptions>)
          pieces.for_each(p.weight.size(),
                          [&](std::int64_t begin, std::int64_t end) { average_elements<T>(inputs, p, begin, end); });
        else
          update_parameter(options, Elements<T>(options.weight_decay, inputs, p), p.weight.size(), pieces);
      },
      rule);
}

template float gradient_factor<float>(const UpdateInputs&);
template double gradient_factor<double>(const UpdateInputs&);
template void update_parameter<float>(const UpdateRule&, const UpdateInputs&, ParameterUpdate&, const Pieces&);
template void update_parameter<double>(const UpdateRule&, const UpdateInputs&, ParameterUpdate&, const Pieces&);

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
