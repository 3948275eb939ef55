#include "layers/backbones/factory.h"

#include <algorithm>
#include <functional>

namespace tandem {
namespace {

using Maker = std::function<std::unique_ptr<Backbone>(Backend&, DType, const BackboneSpec&)>;
struct Known {
  std::string_view name;
  Maker make;
};

struct NamedResNet {
  std::string_view name;
  ResNetSpec spec;
};

/// By timm's names, which are torchvision's where it has the network.
const std::vector<NamedResNet>& resnets() {
  using Block = ResNetSpec::Block;
  static const std::vector<int> k18 = {2, 2, 2, 2}, k50 = {3, 4, 6, 3}, k101 = {3, 4, 23, 3}, k152 = {3, 8, 36, 3};
  static const std::vector<NamedResNet> kAll = {
      {"resnet18", {.block = Block::basic, .depths = k18}},
      {"resnet34", {.block = Block::basic, .depths = k50}},
      {"resnet50", {.depths = k50}},
      {"resnet101", {.depths = k101}},
      {"resnet152", {.depths = k152}},
      {"resnet26", {.depths = k18}},
      {"resnet18d", {.block = Block::basic, .depths = k18, .deep_stem = true, .pooled_shortcut = true}},
      {"resnet26d", {.depths = k18, .deep_stem = true, .pooled_shortcut = true}},
      {"resnet34d", {.block = Block::basic, .depths = k50, .deep_stem = true, .pooled_shortcut = true}},
      {"resnet50d", {.depths = k50, .deep_stem = true, .pooled_shortcut = true}},
      {"resnet101d", {.depths = k101, .deep_stem = true, .pooled_shortcut = true}},
      {"resnet152d", {.depths = k152, .deep_stem = true, .pooled_shortcut = true}},
      {"wide_resnet50_2", {.depths = k50, .group_width = 128}},
      {"wide_resnet101_2", {.depths = k101, .group_width = 128}},
      {"resnext50_32x4d", {.depths = k50, .groups = 32, .group_width = 4}},
      {"resnext101_32x4d", {.depths = k101, .groups = 32, .group_width = 4}},
      {"resnext101_32x8d", {.depths = k101, .groups = 32, .group_width = 8}},
      {"resnext101_64x4d", {.depths = k101, .groups = 64, .group_width = 4}},
  };
  return kAll;
}

/// The ResNet of a name, with the differences that are asked for.
ResNetSpec vary(ResNetSpec resnet, const BackboneSpec& spec) {
  const ResNetVariant& variant = spec.resnet;
  const auto numbers = [](const auto&... values) { return ((values >= 1) && ...); };
  if (!numbers(variant.width, variant.stem_width, variant.groups.value_or(1), variant.group_width.value_or(1)) ||
      !std::all_of(variant.depths.begin(), variant.depths.end(), numbers))
    fail_input("backbone: {} of width {}, stem width {}, {} groups of {} and depths {}, expected numbers from 1",
               spec.name, variant.width, variant.stem_width, variant.groups.value_or(resnet.groups),
               variant.group_width.value_or(resnet.group_width), fmt::join(variant.depths, ", "));
  if (!variant.depths.empty()) resnet.depths = variant.depths;
  resnet.width = variant.width;
  resnet.stem_width = variant.stem_width;
  if (variant.stride_on_1x1) resnet.stride_on = ResNetSpec::StrideOn::conv1x1;
  resnet.caffe_pool = variant.caffe_pool;
  resnet.groups = variant.groups.value_or(resnet.groups);
  resnet.group_width = variant.group_width.value_or(resnet.group_width);
  resnet.deep_stem = variant.deep_stem.value_or(resnet.deep_stem);
  resnet.pooled_shortcut = variant.pooled_shortcut.value_or(resnet.pooled_shortcut);
  resnet.input = spec.input;
  if (resnet.block == ResNetSpec::Block::basic && (resnet.groups != 1 || resnet.group_width != 64))
    fail_input("backbone: {} with {} groups of {}, expected 1 of 64, as it has no bottlenecks", spec.name,
               resnet.groups, resnet.group_width);
  if (resnet.inner_width(resnet.width) == 0)
    fail_input("backbone: {} of width {} has groups of {} * {} / 64 channels, expected at least 1", spec.name,
               resnet.width, resnet.group_width, resnet.width);
  if (resnet.deep_stem && resnet.stem_width % 2 != 0)
    fail_input("backbone: {} with a deep stem of {} channels, expected an even number", spec.name, resnet.stem_width);
  return resnet;
}

/// In how much the networks differ that are otherwise as wide: what decides is said first.
int distance(const ResNetSpec& a, const ResNetSpec& b) {
  return 32 * (a.block != b.block) + 16 * (a.depths != b.depths) + 4 * (a.groups != b.groups) +
         4 * (a.group_width != b.group_width) + (a.deep_stem != b.deep_stem) + (a.pooled_shortcut != b.pooled_shortcut);
}

/// Every backbone that there is.
const std::vector<Known>& known() {
  static const std::vector<Known> kAll = [] {
    std::vector<Known> all;
    for (const NamedResNet& one : resnets())
      all.push_back({one.name, [&one](Backend& backend, DType real, const BackboneSpec& spec) {
                       return std::make_unique<ResNet>(backend, real, vary(one.spec, spec), spec.zero_init_residual);
                     }});
    return all;
  }();
  return kAll;
}

}  // namespace

std::unique_ptr<Backbone> make_backbone(Backend& backend, DType real, const BackboneSpec& spec) {
  for (const auto& [name, make] : known())
    if (name == spec.name) return make(backend, real, spec);
  fail_input("backbone: got \"{}\", expected one of {}", spec.name, known_backbones());
}

BackboneSpec backbone_of(const ResNetSpec& resnet) {
  const auto& [name, named] = *std::min_element(
      resnets().begin(), resnets().end(),
      [&](const NamedResNet& a, const NamedResNet& b) { return distance(a.spec, resnet) < distance(b.spec, resnet); });
  const auto unlike = [](const auto& value, const auto& usual) {
    return value == usual ? std::nullopt : std::optional(value);
  };
  BackboneSpec spec;
  spec.name = name;
  spec.resnet = {.depths = resnet.depths == named.depths ? std::vector<int>() : resnet.depths,
                 .width = resnet.width,
                 .stem_width = resnet.stem_width,
                 .stride_on_1x1 = resnet.stride_on == ResNetSpec::StrideOn::conv1x1,
                 .caffe_pool = resnet.caffe_pool,
                 .groups = unlike(resnet.groups, named.groups),
                 .group_width = unlike(resnet.group_width, named.group_width),
                 .deep_stem = unlike(resnet.deep_stem, named.deep_stem),
                 .pooled_shortcut = unlike(resnet.pooled_shortcut, named.pooled_shortcut)};
  return spec;
}

std::vector<std::string_view> backbone_names() {
  std::vector<std::string_view> names;
  for (const Known& one : known()) names.push_back(one.name);
  return names;
}

std::string known_backbones() { return fmt::format("\"{}\"", fmt::join(backbone_names(), "\", \"")); }

}  // namespace tandem
