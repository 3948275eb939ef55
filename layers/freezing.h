#pragma once
// Which of a network's parameters are trained. A frozen one gets no gradient, and so neither an update nor weight
// decay; below the lowest that is trained nothing is kept for a gradient.

#include <set>
#include <string>

#include "layers/module.h"

namespace tandem {

/// Freezes the parameters of these names, and makes all others train. A batch norm of which both parameters are frozen
/// uses its running statistics, which do not change; with `fix_statistics` every batch norm does.
void freeze(Module& network, const std::set<std::string>& names, bool fix_statistics = false);

}  // namespace tandem
