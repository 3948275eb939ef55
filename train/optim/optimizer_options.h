#pragma once
// The config's "optimizer".

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/base/option_keys.h"

namespace tandem {

/// Factors for the parameters whose names fit one of the patterns.
struct ParameterGroup {
  std::vector<std::string> match;  ///< Patterns (layers/parameter_pattern.h).
  double lr = 1;
  double weight_decay = 1;

  bool operator==(const ParameterGroup&) const = default;
};

/// How parameters differ in their learning rate and weight decay, whatever the optimizer.
struct ParameterOptions {
  enum class Decay { matrices, all };

  Decay decay = Decay::matrices;  ///< `matrices`: all but the tensors of one dimension, biases and batch norms.
  double layer_decay = 1;         ///< A layer's learning rate in terms of the next one's.
  std::vector<ParameterGroup> groups = {};  ///< The factors of all groups that a parameter fits are multiplied.

  bool operator==(const ParameterOptions&) const = default;
};

struct LarsKeys {
  double trust_coefficient = 1e-3;
  double eps = 1e-8;
  bool trust_clip = false;
  bool always_adapt = false;

  bool operator==(const LarsKeys&) const = default;
};

struct LambKeys {
  double eps = 1e-6;
  bool trust_clip = false;
  bool always_adapt = false;

  bool operator==(const LambKeys&) const = default;
};

struct RmsPropKeys {
  double alpha = 0.9;
  double eps = 1e-10;

  bool operator==(const RmsPropKeys&) const = default;
};

struct OptimizerOptions {
  enum class Type { sgd, adam, adamw, lars, lamb, rmsprop_tf };

  Type type = Type::sgd;
  double lr = 0.05;
  double momentum = 0.9;                       ///< `sgd`, `lars` and `rmsprop_tf` only.
  bool nesterov = true;                        ///< `sgd` and `lars` only.
  std::array<double, 2> betas = {0.9, 0.999};  ///< `adam`, `adamw`, `lamb` only: what the two moments keep in a step.
  double eps = 1e-8;                           ///< `adam` and `adamw` only.
  double weight_decay = 5e-4;
  LarsKeys lars = {};
  LambKeys lamb = {};
  RmsPropKeys rmsprop_tf = {};
  /// Above it the gradients' norm is scaled down to it. Absent: it is not, except to 1 for `lamb`.
  std::optional<double> clip_norm = {};
  /// Each gradient is held between -clip_value and clip_value. Not with clip_norm.
  std::optional<double> clip_value = {};
  ParameterOptions parameters = {};

  bool operator==(const OptimizerOptions&) const = default;
};

constexpr auto enum_names(OptimizerOptions::Type) {
  using enum OptimizerOptions::Type;
  return std::to_array<EnumName<OptimizerOptions::Type>>(
      {{sgd, "sgd"}, {adam, "adam"}, {adamw, "adamw"}, {lars, "lars"}, {lamb, "lamb"}, {rmsprop_tf, "rmsprop_tf"}});
}
constexpr auto enum_names(ParameterOptions::Decay) {
  using enum ParameterOptions::Decay;
  return std::to_array<EnumName<ParameterOptions::Decay>>({{matrices, "matrices"}, {all, "all"}});
}

template <class Keys, Of<ParameterGroup> C>
void visit_keys(Keys& keys, C& c) {
  keys("match", c.match);
  keys("lr", c.lr, Range{0, 1000});
  keys("weight_decay", c.weight_decay, Range{0, 1000});
}

template <class Keys, Of<LarsKeys> C>
void visit_keys(Keys& keys, C& c) {
  keys("trust_coefficient", c.trust_coefficient, Range{.low = 0, .high = 1000, .without_low = true});
  keys("eps", c.eps, Range{.low = 0, .high = 1});
  keys("trust_clip", c.trust_clip);
  keys("always_adapt", c.always_adapt);
}

template <class Keys, Of<LambKeys> C>
void visit_keys(Keys& keys, C& c) {
  keys("eps", c.eps, Range{.low = 0, .high = 1, .without_low = true});
  keys("trust_clip", c.trust_clip);
  keys("always_adapt", c.always_adapt);
}

template <class Keys, Of<RmsPropKeys> C>
void visit_keys(Keys& keys, C& c) {
  keys("alpha", c.alpha, Range{.low = 0, .high = 1, .without_high = true});
  keys("eps", c.eps, Range{.low = 0, .high = 1, .without_low = true});
}

template <class Keys, Of<OptimizerOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys("type", c.type);
  keys("lr", c.lr, Range{.low = 0, .high = 1000, .without_low = true});
  keys("momentum", c.momentum, Range{.low = 0, .high = 1, .without_high = true});
  keys("nesterov", c.nesterov);
  keys("betas", c.betas, Range{.low = 0, .high = 1, .without_high = true});
  keys("eps", c.eps, Range{.low = 0, .high = 1, .without_low = true});
  keys("weight_decay", c.weight_decay, Range{0, 1000});
  keys("lars", c.lars);
  keys("lamb", c.lamb);
  keys("rmsprop_tf", c.rmsprop_tf);
  keys("clip_norm", c.clip_norm, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("clip_value", c.clip_value, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("decay_on", c.parameters.decay);
  keys("layer_decay", c.parameters.layer_decay, Range{.low = 0, .high = 1, .without_low = true});
  keys("groups", c.parameters.groups);
}

/// Every option that the type does not use has its default, and what is used goes together.
inline void check_options(const OptimizerOptions& c, OptionProblems& problems) {
  using enum OptimizerOptions::Type;
  const OptimizerOptions defaults;
  const auto only_of = [&](std::initializer_list<OptimizerOptions::Type> types, const char* key, const auto& value,
                           const auto& unless) {
    for (const OptimizerOptions::Type type : types)
      if (type == c.type) return;
    check_unused(key, value, unless, c.type, problems);
  };
  only_of({sgd, lars, rmsprop_tf}, "/momentum", c.momentum, defaults.momentum);
  only_of({sgd, lars}, "/nesterov", c.nesterov, defaults.nesterov);
  only_of({adam, adamw, lamb}, "/betas", c.betas, defaults.betas);
  only_of({adam, adamw}, "/eps", c.eps, defaults.eps);
  only_of({lars}, "/lars", c.lars, defaults.lars);
  only_of({lamb}, "/lamb", c.lamb, defaults.lamb);
  only_of({rmsprop_tf}, "/rmsprop_tf", c.rmsprop_tf, defaults.rmsprop_tf);
  if ((c.type == sgd || c.type == lars) && c.nesterov && c.momentum == 0)
    problems.push_back({"/momentum", "a number above 0 while /optimizer/nesterov is true"});
  if (c.clip_norm && c.clip_value) problems.push_back({"/clip_value", "null while /optimizer/clip_norm is a number"});
  for (std::size_t i = 0; i < c.parameters.groups.size(); ++i)
    if (c.parameters.groups[i].match.empty())
      problems.push_back({fmt::format("/groups/{}/match", i), "at least one pattern of parameters' names"});
}

}  // namespace tandem
