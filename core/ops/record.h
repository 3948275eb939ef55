#pragma once
// Shared by the ops: makes an op's output, with a slot for its gradient if the tape is on and an input wants one.

#include <initializer_list>

#include "core/ops/ops.h"

namespace tandem::ops {

inline Variable make_output(const Context& context, Tensor value, std::initializer_list<const Variable*> inputs) {
  bool wanted = false;
  if (context.tape)
    for (const Variable* input : inputs) wanted = wanted || input->wants_gradient();
  return wanted ? Variable::with_gradient(std::move(value)) : Variable(std::move(value));
}

}  // namespace tandem::ops
