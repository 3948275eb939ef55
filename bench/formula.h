#pragma once
// Weights and inputs that any program can make for itself: a hash of a name and a position. The reference figures in
// tests/bench/fixtures come from a PyTorch program that uses the same formulas.

#include <cstdint>
#include <string>
#include <vector>

#include "layers/module.h"

namespace tandem {

/// n numbers in [-1, 1): the top 24 bits of splitmix64(fnv1a64(name) + i), i counting in PyTorch's order (a
/// convolution's weight as OIHW, images as NCHW).
std::vector<float> formula_uniform(const std::string& name, std::int64_t n);

/// The name under which the reference program knows one of our tensors: "trunk.conv1.weight", "classifier.bias".
std::string reference_name(const std::string& name);

/// u being formula_uniform(reference_name, ...): convolutions u sqrt(6 / (R S K)), linear weights u / sqrt(C),
/// batch-norm weights 1 + u/10 (0.2 + u/10 for bn3), biases u/10; running means 0, running variances 1.
void fill_with_formula(Backend& backend, Module& module);

/// [Frobenius norm, inner product with formula_uniform("probe/" + reference name)].
struct Probe {
  double norm = 0, inner = 0;
};
Probe probe(Backend& backend, const std::string& name, const Tensor& tensor);

}  // namespace tandem
