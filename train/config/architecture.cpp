#include "train/config/architecture.h"

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "inference/model/model_description.h"

namespace tandem {

BackboneSpec backbone_of(const ModelConfig& config) {
  const ResNetConfig& resnet = config.resnet;
  BackboneSpec spec{config.arch, config.zero_init_residual};
  spec.resnet.width = resnet.width;
  spec.resnet.stem_width = resnet.stem_width;
  spec.resnet.stride_on_1x1 = resnet.stride_on == ResNetConfig::StrideOn::conv1x1;
  spec.resnet.caffe_pool = resnet.pool == ResNetConfig::Pool::caffe;
  spec.resnet.groups = resnet.groups;
  spec.resnet.group_width = resnet.group_width;
  if (resnet.stem) spec.resnet.deep_stem = *resnet.stem == ResNetConfig::Stem::deep;
  if (resnet.shortcut) spec.resnet.pooled_shortcut = *resnet.shortcut == ResNetConfig::Shortcut::pooled;
  spec.input = InputDescription(config.input).statistics();
  return spec;
}

void set_backbone(const BackboneSpec& backbone, const std::string& source, ModelConfig& config) {
  const ResNetVariant& variant = backbone.resnet;
  if (!variant.depths.empty())
    fail_input("{}: a ResNet with stages of {} blocks, which no model.arch has", source,
               fmt::join(variant.depths, ", "));
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
  };
  config.arch = backbone.name;
  ResNetConfig& resnet = config.resnet;
  resnet.width = static_cast<int>(variant.width);
  resnet.stem_width = static_cast<int>(variant.stem_width);
  resnet.stride_on = variant.stride_on_1x1 ? ResNetConfig::StrideOn::conv1x1 : ResNetConfig::StrideOn::conv3x3;
  resnet.pool = variant.caffe_pool ? ResNetConfig::Pool::caffe : ResNetConfig::Pool::torch;
  resnet.groups = number(variant.groups);
  resnet.group_width = number(variant.group_width);
  resnet.stem.reset();
  if (variant.deep_stem) resnet.stem = *variant.deep_stem ? ResNetConfig::Stem::deep : ResNetConfig::Stem::conv7;
  resnet.shortcut.reset();
  if (variant.pooled_shortcut)
    resnet.shortcut = *variant.pooled_shortcut ? ResNetConfig::Shortcut::pooled : ResNetConfig::Shortcut::conv;
}

}  // namespace tandem
