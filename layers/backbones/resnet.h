#pragma once
// ResNet (He, Zhang, Ren, Sun 2016), described by data. Parameters are named as torchvision names them, so that its
// weights can be loaded.

#include <memory>
#include <vector>

#include "layers/backbones/backbone.h"
#include "layers/basic.h"

namespace tandem {

/// A 7x7 convolution of stride 2, a 3x3 max pool of stride 2, and stages of residual blocks. Each stage after the first
/// halves height and width in its first block, and has twice the width of the one before.
struct ResNetSpec {
  enum class Block {
    basic,      ///< 3x3, 3x3
    bottleneck  ///< 1x1, 3x3, 1x1, the last of which has four times the width
  };
  /// Which convolution of a bottleneck has the stride.
  enum class StrideOn {
    conv1x1,  ///< the first: as published, and in Caffe
    conv3x3   ///< version 1.5: torchvision
  };

  Block block = Block::bottleneck;
  std::vector<int> depths = {3, 4, 6, 3};  ///< residual blocks of each stage
  std::int64_t width = 64;                 ///< channels of the first stage's 3x3 convolutions
  std::int64_t stem_width = 64;            ///< channels of the 7x7 convolution
  StrideOn stride_on = StrideOn::conv3x3;
  bool caffe_pool = false;  ///< the pool has no padding, and its last window may reach over the end: Caffe
  InputStatistics input =
      {};  ///< forward() takes images of ImageNet's, and makes of them those that the network expects
};

class ResNet : public Backbone {
 public:
  /// `zero_init_residual`: the last batch norm of each block begins with weight 0, so that the block begins as its
  /// shortcut (Goyal et al. 2017; torchvision's option of that name). Error for a spec without stages or blocks.
  ResNet(Backend& backend, DType real, const ResNetSpec& spec, bool zero_init_residual = false);
  ~ResNet() override;

  Variable forward(Context& context, const Variable& images) override;
  std::int64_t features() const override { return features_; }
  std::int64_t residual_blocks() const override { return static_cast<std::int64_t>(blocks_.size()); }
  void fold(Backend& backend) override;
  void unfold() override;

 private:
  class ResidualBlock;
  class InputChange;

  std::unique_ptr<InputChange> input_;  // null where the images are right as they are
  bool caffe_pool_;
  ConvNorm stem_;
  std::vector<std::unique_ptr<ResidualBlock>> blocks_;
  std::int64_t features_;
};

}  // namespace tandem
