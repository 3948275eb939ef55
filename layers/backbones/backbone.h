#pragma once
// A backbone: the part of a network that turns images into features, on which the heads rest.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "layers/module.h"

namespace tandem {

/// What is subtracted from a network's input, R, G and B from 0 to 1, and what the difference is divided by. ImageNet's
/// are those of Backend::normalize_images().
struct InputStatistics {
  std::array<double, 3> mean = {0.485, 0.456, 0.406};
  std::array<double, 3> deviation = {0.229, 0.224, 0.225};

  bool operator==(const InputStatistics&) const = default;
};

/// How a ResNet differs from the one of its name, as one may that another program trained.
struct ResNetVariant {
  std::vector<int> depths = {};  ///< residual blocks of each stage; empty: the name's
  std::int64_t width = 64;  ///< channels of the first stage's 3x3 convolutions, if they are neither wide nor grouped
  std::int64_t stem_width = 64;  ///< channels of the stem
  bool stride_on_1x1 = false;    ///< of a bottleneck: as published, and in Caffe; else on the 3x3, as in torchvision
  bool caffe_pool = false;       ///< the max pool has no padding, and its last window may reach over the end
  // Of ResNetSpec (layers/backbones/resnet.h); absent: the name's.
  std::optional<std::int64_t> groups = {};
  std::optional<std::int64_t> group_width = {};
  std::optional<bool> deep_stem = {};
  std::optional<bool> pooled_shortcut = {};

  bool operator==(const ResNetVariant&) const = default;
};

/// Which backbone make_backbone() makes (layers/backbones/factory.h). InputError for an option that the backbone of
/// that name does not have.
struct BackboneSpec {
  std::string name = "resnet50";    ///< one of backbone_names()
  bool zero_init_residual = false;  ///< each residual block begins as its shortcut
  ResNetVariant resnet = {};
  InputStatistics input = {};  ///< what the network expects: forward() makes it of images that have ImageNet's
};

/// Without a classifier. Where torchvision has the same network, parameters have its names.
class Backbone : public Module {
 public:
  /// images (N, H, W, 3) T, normalised, to pooled features (N, C) real.
  virtual Variable forward(Context& context, const Variable& images) = 0;
  /// C, the number of features.
  virtual std::int64_t features() const = 0;
  /// How many residual blocks there are, whose branches stochastic depth drops.
  virtual std::int64_t residual_blocks() const = 0;
  /// Folds every batch norm, with its running statistics and weights of this moment, into the convolution before it:
  /// until unfold(), forward() is for inference only, and faster.
  virtual void fold(Backend& backend) = 0;
  virtual void unfold() = 0;
};

}  // namespace tandem
