#pragma once
// What learning rate and weight decay are multiplied by, parameter by parameter.

#include <string>
#include <vector>

#include "layers/module.h"
#include "train/optim/optimizer_options.h"

namespace tandem {

struct ParameterFactors {
  double lr = 1, weight_decay = 1;
};

/// The product of the factors of all groups that a parameter fits; with layer decay, times layer_decay^d in the layer
/// that d layers lie behind, as timm counts them: the stem, each block ("layer1.0"), the heads. Tensors of one
/// dimension do not decay unless all do. InputError for a pattern that fits no parameter, and for layer decay without
/// blocks.
std::vector<ParameterFactors> parameter_factors(const std::vector<NamedTensor>& parameters,
                                                const ParameterOptions& options);

/// A line for layer decay, if there is one, and for each group: which tensors, how many, and their factors.
std::string describe_groups(const std::vector<NamedTensor>& parameters, const ParameterOptions& options);

}  // namespace tandem
