#pragma once
// The backbones by name. The lists are in factory.cpp, and only there.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "layers/backbones/backbone.h"
#include "layers/backbones/resnet.h"

namespace tandem {

/// Parameters of type `real`, f32 or f64, whose content is undefined until initialise() or a checkpoint fills it.
/// InputError, with the known names, for another name.
std::unique_ptr<Backbone> make_backbone(Backend& backend, DType real, const BackboneSpec& spec);

/// What makes that ResNet: the name that it has, or the nearest one, and its differences from it. `resnet.input` and
/// options of training are not looked at.
BackboneSpec backbone_of(const ResNetSpec& resnet);

/// "resnet18", ...
std::vector<std::string_view> backbone_names();

/// All of them, quoted, for a message: "resnet18", "resnet34".
std::string known_backbones();

}  // namespace tandem
