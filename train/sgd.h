#pragma once
// Stochastic gradient descent with momentum; the formula is in core/backend.h.

#include <string>
#include <vector>

#include "layers/module.h"

namespace tandem {

class Sgd {
 public:
  /// Which parameters weight decay applies to: all, or all but biases and batch norm (the tensors of one dimension).
  enum class Decay { all, matrices };

  /// Makes a velocity of zeros for each parameter of `module`, which must outlive this.
  Sgd(Backend& backend, Module& module, const SgdOptions& options, Decay decay = Decay::matrices);

  /// Updates the parameters that have a gradient, with learning rate `lr`, and drops the gradients.
  void step(double lr);
  /// The velocities under their parameters' names, for checkpoints.
  std::vector<NamedTensor> state();

 private:
  Backend& backend_;
  SgdOptions options_;
  Decay decay_;
  std::vector<NamedTensor> parameters_;
  std::vector<Tensor> velocities_;
};

}  // namespace tandem
