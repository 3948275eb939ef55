#pragma once
// Updates of parameters on the CPU, a range of elements at a time.

#include "core/backend/kernel_options.h"

namespace tandem::cpu {

/// Whether the gradient's norm, if one is given, is finite.
bool may_update(const UpdateInputs& inputs);

/// Changes elements [begin, end) of one parameter by SGD's rule; T float or double.
template <class T>
void update_elements(const SgdOptions& options, const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin,
                     std::int64_t end);
/// The same by Adam's.
template <class T>
void update_elements(const AdamOptions& options, const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin,
                     std::int64_t end);
/// The same by the moving average's.
template <class T>
void update_elements(const AverageOptions& options, const UpdateInputs& inputs, ParameterUpdate& p, std::int64_t begin,
                     std::int64_t end);

}  // namespace tandem::cpu
