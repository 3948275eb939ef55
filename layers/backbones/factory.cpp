#include "layers/backbones/factory.h"

#include <functional>

#include "layers/backbones/resnet.h"

namespace tandem {
namespace {

using Maker = std::function<std::unique_ptr<Backbone>(Backend&, DType, const BackboneSpec&)>;
struct Known {
  std::string_view name;
  Maker make;
};

Maker resnet(ResNetSpec resnet) {
  return [resnet = std::move(resnet)](Backend& backend, DType real, const BackboneSpec& spec) {
    return std::make_unique<ResNet>(backend, real, resnet, spec.zero_init_residual);
  };
}

/// Every backbone that there is.
const std::vector<Known>& known() {
  using Block = ResNetSpec::Block;
  static const std::vector<Known> all = {
      {"resnet18", resnet({.block = Block::basic, .depths = {2, 2, 2, 2}})},
      {"resnet34", resnet({.block = Block::basic, .depths = {3, 4, 6, 3}})},
      {"resnet50", resnet({.block = Block::bottleneck, .depths = {3, 4, 6, 3}})},
      {"resnet101", resnet({.block = Block::bottleneck, .depths = {3, 4, 23, 3}})},
  };
  return all;
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
