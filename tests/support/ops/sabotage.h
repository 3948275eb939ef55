#pragma once
// Backends with one wrong gradient each: what a gradient check must reject, or it is no check.

#include <memory>
#include <string>
#include <vector>

#include "core/backend/backend.h"

namespace tandem::test {

struct Sabotage {
  std::string name;     ///< "conv2d_grad_weight dw: doubled"
  std::string op_case;  ///< the op case that must notice
  std::shared_ptr<Backend> backend;
};

/// Every gradient that a backend computes, spoilt in each of several general ways, and the mistakes peculiar to a rule.
std::vector<Sabotage> all_sabotages();

/// The same backend with nothing spoilt.
std::shared_ptr<Backend> make_honest_backend();

}  // namespace tandem::test
