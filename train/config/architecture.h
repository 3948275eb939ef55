#pragma once
// The config's model.arch and model.resnet as a backbone, and the reverse.

#include <string>

#include "layers/backbones/backbone.h"
#include "train/config/config.h"

namespace tandem {

/// What model.arch says in the place of a name: the network of model.weights, whatever it is.
inline constexpr const char* kAutoArch = "auto";

/// The backbone that a config describes, for its model.input. model.arch must be a name.
BackboneSpec backbone_of(const ModelConfig& config);

/// Sets model.arch and model.resnet. InputError, which begins with `source`, for blocks of which no name has that many.
void set_backbone(const BackboneSpec& backbone, const std::string& source, ModelConfig& config);

}  // namespace tandem
