#pragma once
// Which of a network's parameters a pattern of a config means, in "finetune" and in the optimizer's groups.

#include <string>
#include <string_view>
#include <vector>

#include "layers/module.h"

namespace tandem {

/// Whether a tensor is of the classifier, "fc.", or of the embedding head, "embedding.".
bool is_of_a_head(std::string_view name);

/// Whether a parameter fits a pattern (core/base/pattern.h). "backbone.NAME" is another name of the parameters that are
/// not of a head.
bool parameter_fits(const std::string& name, std::string_view pattern);

/// The names of the parameters that fit.
std::vector<std::string> parameters_that_fit(Module& network, const std::string& pattern);

/// What patterns can begin with, for a message: conv1.*, bn1.*, layer1.*.
std::string known_parameters(const std::vector<NamedTensor>& parameters);

}  // namespace tandem
