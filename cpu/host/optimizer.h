#pragma once
// Updates of parameters on the CPU.

#include <functional>

#include "core/backend/kernel_options.h"

namespace tandem::cpu {

/// Whether the gradient's norm, if one is given, is finite.
bool may_update(const UpdateInputs& inputs);

/// What gradients are multiplied with: the inverse of the loss's scale, and what clipping by their norm leaves.
template <class T>
T gradient_factor(const UpdateInputs& inputs);

/// How elements are parted: for_each calls its body(begin, end) for each `grain` of the elements 0 .. size - 1, on any
/// thread, and returns when all are done.
struct Pieces {
  using Body = std::function<void(std::int64_t begin, std::int64_t end)>;
  std::int64_t grain = 0;
  std::function<void(std::int64_t size, const Body& body)> for_each;
};

/// Changes one parameter by the rule; T float or double. The result does not depend on the threads.
template <class T>
void update_parameter(const UpdateRule& rule, const UpdateInputs& inputs, ParameterUpdate& p, const Pieces& pieces);

}  // namespace tandem::cpu
