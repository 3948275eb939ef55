#pragma once
// The worst of many deviations.

namespace tandem::test {

/// Makes `worst` the larger of the two; NaN once there was one, which std::max and one comparison would lose.
inline void include_worst(double& worst, double x) {
  if (worst == worst && !(x <= worst)) worst = x;
}

}  // namespace tandem::test
