#pragma once
// A backbone: the part of a network that turns images into features, on which the heads rest.

#include <string>

#include "layers/module.h"

namespace tandem {

/// Which backbone make_backbone() makes (layers/backbones/factory.h). InputError for an option that the backbone of
/// that name does not have.
struct BackboneSpec {
  std::string name = "resnet50";    ///< one of backbone_names()
  bool zero_init_residual = false;  ///< each residual block begins as its shortcut
};

/// Without a classifier. Where torchvision has the same network, parameters have its names.
class Backbone : public Module {
 public:
  /// images (N, H, W, 3) T, normalised, to pooled features (N, C) real.
  virtual Variable forward(Context& context, const Variable& images) = 0;
  /// C, the number of features.
  virtual std::int64_t features() const = 0;
  /// Folds every batch norm, with its running statistics and weights of this moment, into the convolution before it:
  /// until unfold(), forward() is for inference only, and faster.
  virtual void fold(Backend& backend) = 0;
  virtual void unfold() = 0;
};

}  // namespace tandem
