#pragma once
// Parts of the updates that the optimised CPU backend shares with the reference.

#include "core/backend/backend.h"

namespace tandem::cpu {

/// Whether the gradient's norm, if one is given, is finite.
bool may_update(const UpdateInputs& inputs);

/// Adam's update of elements [begin, end) of one parameter; T float or double.
template <class T>
void adam_elements(const AdamOptions& options, const UpdateInputs& inputs, AdamParameter& p, std::int64_t begin,
                   std::int64_t end);

}  // namespace tandem::cpu
