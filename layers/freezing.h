#pragma once
// Which of a network's parameters are trained. A frozen one gets no gradient, and so neither an update nor weight
// decay; below the lowest that is trained nothing is kept for a gradient.

#include <set>
#include <string>
#include <vector>

#include "layers/module.h"

namespace tandem {

/// The names of the parameters that fit a pattern (core/base/pattern.h). "backbone.NAME" is another name of the
/// parameters that are not of a head, "fc." or "embedding.".
std::vector<std::string> parameters_that_fit(Module& network, const std::string& pattern);

/// Freezes the parameters of these names, and makes all others train. A batch norm of which both parameters are frozen
/// uses its running statistics, which do not change; with `fix_statistics` every batch norm does.
void freeze(Module& network, const std::set<std::string>& names, bool fix_statistics = false);

/// What patterns can begin with, for a message: conv1.*, bn1.*, layer1.*.
std::string known_parameters(Module& network);

}  // namespace tandem
