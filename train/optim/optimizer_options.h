#pragma once
// The config's "optimizer".

#include <array>

#include "core/base/option_keys.h"

namespace tandem {

struct OptimizerOptions {
  enum class Type { sgd, adam, adamw };

  Type type = Type::sgd;
  double lr = 0.05;
  double momentum = 0.9;                       ///< `sgd` only.
  bool nesterov = true;                        ///< `sgd` only.
  std::array<double, 2> betas = {0.9, 0.999};  ///< `adam` and `adamw` only: what the two moments keep in a step.
  double eps = 1e-8;                           ///< `adam` and `adamw` only.
  double weight_decay = 5e-4;                  ///< Not applied to biases and batch norm.

  bool operator==(const OptimizerOptions&) const = default;
};

constexpr auto enum_names(OptimizerOptions::Type) {
  using enum OptimizerOptions::Type;
  return std::to_array<EnumName<OptimizerOptions::Type>>({{sgd, "sgd"}, {adam, "adam"}, {adamw, "adamw"}});
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
}

/// Every option that the type does not use has its default, and Nesterov's momentum is not 0.
inline void check_options(const OptimizerOptions& c, OptionProblems& problems) {
  const OptimizerOptions defaults;
  if (c.type == OptimizerOptions::Type::sgd) {
    check_unused("/betas", c.betas, defaults.betas, c.type, problems);
    check_unused("/eps", c.eps, defaults.eps, c.type, problems);
    if (c.nesterov && c.momentum == 0)
      problems.push_back({"/momentum", "a number above 0 while /optimizer/nesterov is true"});
  } else {
    check_unused("/momentum", c.momentum, defaults.momentum, c.type, problems);
    check_unused("/nesterov", c.nesterov, defaults.nesterov, c.type, problems);
  }
}

}  // namespace tandem
