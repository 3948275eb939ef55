#pragma once
// What a forward pass runs with: passed along, never global.

#include "core/autograd/autograd.h"
#include "core/backend/backend.h"

namespace tandem {

struct Context {
  Backend& backend;
  DType compute = DType::f32;  ///< T: the type of activations
  bool training = false;       ///< batch norm uses the batch's statistics and updates the running ones
  std::int64_t groups = 1;     ///< G: towers stacked in the batch, each normalised by itself
  Tape* tape = nullptr;        ///< records gradients; null: none are wanted

  DType param_dtype() const { return tandem::param_dtype(compute); }
};

}  // namespace tandem
