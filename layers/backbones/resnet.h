#pragma once
// ResNet (He, Zhang, Ren, Sun 2016) and its kin, described by data: ResNeXt (Xie et al. 2017), wide ResNets (Zagoruyko
// and Komodakis 2016), ResNet-D (He, Zhang et al. 2019). Parameters are named as torchvision names them, and as timm
// where torchvision has no such network, so that their weights can be loaded.

#include <memory>
#include <vector>

#include "layers/backbones/backbone.h"
#include "layers/basic.h"

namespace tandem {

/// A stem of stride 2, a 3x3 max pool of stride 2, and stages of residual blocks. Each stage after the first halves
/// height and width in its first block, and has twice the width of the one before.
struct ResNetSpec {
  enum class Block {
    basic,      ///< 3x3, 3x3
    bottleneck  ///< 1x1 and 3x3 of inner_width(), 1x1 of four times the width
  };
  /// Which convolution of a bottleneck has the stride.
  enum class StrideOn {
    conv1x1,  ///< the first: as published, and in Caffe
    conv3x3   ///< version 1.5: torchvision
  };

  Block block = Block::bottleneck;
  std::vector<int> depths = {3, 4, 6, 3};  ///< residual blocks of each stage
  std::int64_t width = 64;                 ///< the first stage's
  std::int64_t stem_width = 64;            ///< channels of the stem
  StrideOn stride_on = StrideOn::conv3x3;
  bool caffe_pool = false;        ///< the pool has no padding, and its last window may reach over the end: Caffe
  std::int64_t groups = 1;        ///< of bottlenecks' 3x3 convolutions: 32 in resnext50_32x4d
  std::int64_t group_width = 64;  ///< channels of such a group where the width is 64: 4 in resnext50_32x4d
  /// The stem is three 3x3 convolutions, the first two of half its width, in the place of one of 7x7.
  bool deep_stem = false;
  /// A shortcut of stride 2 is the mean of 2x2 pixels and a 1x1 convolution, in the place of one of stride 2.
  bool pooled_shortcut = false;
  InputStatistics input =
      {};  ///< forward() takes images of ImageNet's, and makes of them those that the network expects

  /// Channels of the 3x3 convolutions of a stage of that width.
  std::int64_t inner_width(std::int64_t stage_width) const { return stage_width * group_width / 64 * groups; }
};

class ResNet : public Backbone {
 public:
  /// `zero_init_residual`: the last batch norm of each block begins with weight 0, so that the block begins as its
  /// shortcut (Goyal et al. 2017; torchvision's option of that name). Error for a spec without stages, blocks or
  /// channels, with an odd deep stem, or with wide or grouped convolutions in basic blocks.
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

  void add_stem(Backend& backend, DType real, const ResNetSpec& spec);

  std::unique_ptr<InputChange> input_;  // null where the images are right as they are
  bool caffe_pool_;
  std::vector<std::unique_ptr<ConvNorm>> deep_stem_;  // what comes before stem_
  ConvNorm stem_;
  std::vector<std::unique_ptr<ResidualBlock>> blocks_;
  std::int64_t features_;
};

}  // namespace tandem
