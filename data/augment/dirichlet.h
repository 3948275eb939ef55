#pragma once
// Random shares.

#include <vector>

#include "core/base/rng.h"

namespace tandem::augment {

/// `count` numbers of the symmetric Dirichlet distribution of alpha > 0: at least 0, of sum 1. The first of two is
/// distributed as Beta(alpha, alpha).
std::vector<double> dirichlet(double alpha, int count, Random& random);

}  // namespace tandem::augment
