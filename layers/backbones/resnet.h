#pragma once
// ResNet (He, Zhang, Ren, Sun 2016), version 1.5: a bottleneck's stride is on its 3x3 convolution. Parameters are named
// as torchvision names them, so that its weights can be loaded.

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "layers/basic.h"

namespace tandem {

struct ResNetSpec {
  std::string_view name;
  std::array<int, 4> blocks;  ///< residual blocks in each stage
  bool bottleneck;            ///< 1x1, 3x3, 1x1 with four times the width at the end; else 3x3, 3x3

  std::int64_t features() const { return bottleneck ? 2048 : 512; }
};

/// "resnet18", "resnet34", "resnet50" or "resnet101". InputError, listing them, for another name.
const ResNetSpec& resnet_spec(std::string_view name);

/// One residual block: relu(f(x) + shortcut(x)).
class ResidualBlock : public Module {
 public:
  virtual Variable forward(Context& context, Variable x) = 0;
  /// The batch norm at the end of f.
  virtual BatchNorm2d& last_norm() = 0;
  virtual void fold(Backend& backend) = 0;
  virtual void unfold() = 0;
};

/// The backbone, without a classifier.
class ResNet : public Module {
 public:
  ResNet(Backend& backend, DType real, const ResNetSpec& spec);
  /// images (N, H, W, 3) T, normalised, to features (N, 2048 or 512) real.
  Variable forward(Context& context, const Variable& images);
  /// Sets the weight of each block's last batch norm to 0, so that the block begins as its shortcut (Goyal et al. 2017;
  /// torchvision's zero_init_residual). Call after initialise().
  void zero_init_residual(Backend& backend);
  /// Folds every batch norm, with its running statistics and weights of this moment, into the convolution before it:
  /// forward() is then fit for inference only, and faster. unfold() takes it back.
  void fold(Backend& backend);
  void unfold();

 private:
  ConvNorm stem_;
  std::vector<std::unique_ptr<ResidualBlock>> blocks_;
};

}  // namespace tandem
