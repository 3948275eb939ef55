#include "data/augment/dirichlet.h"

#include <cmath>

namespace tandem::augment {
namespace {

/// A number of the Gamma distribution of this shape (Marsaglia, Tsang 2000; a shape below 1 by that of shape + 1).
double gamma(double shape, Random& random) {
  const auto above_zero = [&] { return 1.0 - static_cast<double>(random.uniform()); };
  if (shape < 1) return gamma(shape + 1, random) * std::pow(above_zero(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal(), root = 1 + c * x, v = root * root * root;
    if (v > 0 && std::log(above_zero()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

}  // namespace

std::vector<double> dirichlet(double alpha, int count, Random& random) {
  std::vector<double> shares;
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += shares.emplace_back(gamma(alpha, random));
  for (double& share : shares) share = sum > 0 ? share / sum : 1.0 / count;
  return shares;
}

}  // namespace tandem::augment
