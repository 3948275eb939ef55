#pragma once
// What a forward pass runs with: passed along, never global.

#include <vector>

#include "core/autograd/autograd.h"
#include "core/backend/backend.h"

namespace tandem {

/// The random factors of a training step, in the device's memory (layers/drop.h draws them).
struct DropFactors {
  Tensor features;               ///< (N, C) real, of the features that the heads see; undefined: none
  std::vector<Tensor> branches;  ///< (N) real, of each residual block's branch; undefined ones, or an empty list: none
};

struct Context {
  Backend& backend;
  DType compute = DType::f32;         ///< T: the type of activations
  bool training = false;              ///< batch norm uses the batch's statistics and updates the running ones
  std::int64_t groups = 1;            ///< G: towers stacked in the batch, each normalised by itself
  Tape* tape = nullptr;               ///< records gradients; null: none are wanted
  const DropFactors* drop = nullptr;  ///< what training multiplies activations with; null: nothing

  DType param_dtype() const { return tandem::param_dtype(compute); }
  /// Of a residual block's branch: undefined if it has none.
  Tensor branch_factors(std::size_t block) const {
    return drop && block < drop->branches.size() ? drop->branches[block] : Tensor();
  }
};

}  // namespace tandem
