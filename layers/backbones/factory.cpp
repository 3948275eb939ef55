#include "layers/backbones/factory.h"

#include <algorithm>
#include <functional>

#include "layers/backbones/resnet.h"

namespace tandem {
namespace {

using Maker = std::function<std::unique_ptr<Backbone>(Backend&, DType, const BackboneSpec&)>;
struct Known {
  std::string_view name;
  Maker make;
};

/// The ResNet of a name, with the differences that are asked for.
ResNetSpec vary(ResNetSpec resnet, const BackboneSpec& spec) {
  const ResNetVariant& variant = spec.resnet;
  if (variant.width < 1 || variant.stem_width < 1 ||
      std::any_of(variant.depths.begin(), variant.depths.end(), [](int depth) { return depth < 1; }))
    fail_input("backbone: {} of width {}, stem width {} and depths {}, expected numbers from 1", spec.name,
               variant.width, variant.stem_width, fmt::join(variant.depths, ", "));
  if (!variant.depths.empty()) resnet.depths = variant.depths;
  resnet.width = variant.width;
  resnet.stem_width = variant.stem_width;
  if (variant.stride_on_1x1) resnet.stride_on = ResNetSpec::StrideOn::conv1x1;
  resnet.caffe_pool = variant.caffe_pool;
  resnet.input = spec.input;
  return resnet;
}

Maker resnet(ResNetSpec resnet) {
  return [resnet = std::move(resnet)](Backend& backend, DType real, const BackboneSpec& spec) {
    return std::make_unique<ResNet>(backend, real, vary(resnet, spec), spec.zero_init_residual);
  };
}

/// Every backbone that there is.
const std::vector<Known>& known() {
  using Block = ResNetSpec::Block;
  static const std::vector<Known> kAll = {
      {"resnet18", resnet({.block = Block::basic, .depths = {2, 2, 2, 2}})},
      {"resnet34", resnet({.block = Block::basic, .depths = {3, 4, 6, 3}})},
      {"resnet50", resnet({.block = Block::bottleneck, .depths = {3, 4, 6, 3}})},
      {"resnet101", resnet({.block = Block::bottleneck, .depths = {3, 4, 23, 3}})},
      {"resnet152", resnet({.block = Block::bottleneck, .depths = {3, 8, 36, 3}})},
  };
  return kAll;
}

}  // namespace

std::unique_ptr<Backbone> make_backbone(Backend& backend, DType real, const BackboneSpec& spec) {
  for (const auto& [name, make] : known())
    if (name == spec.name) return make(backend, real, spec);
  fail_input("backbone: got \"{}\", expected one of {}", spec.name, known_backbones());
}

std::vector<std::string_view> backbone_names() {
  std::vector<std::string_view> names;
  for (const Known& one : known()) names.push_back(one.name);
  return names;
}

std::string known_backbones() { return fmt::format("\"{}\"", fmt::join(backbone_names(), "\", \"")); }

}  // namespace tandem
