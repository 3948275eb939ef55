#include "train/optim/parameter_factors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "layers/parameter_pattern.h"

namespace tandem {
namespace {

using Parameters = std::vector<NamedTensor>;

/// Up to six of the parameters' names, from the first to the last.
std::string some_names(const Parameters& parameters) {
  constexpr std::size_t kShown = 6;
  const std::size_t count = std::min(kShown, parameters.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    names.push_back(parameters[count == 1 ? 0 : i * (parameters.size() - 1) / (count - 1)].name);
  return fmt::format("{}", fmt::join(names, ", "));
}

bool fits(const NamedTensor& parameter, const ParameterGroup& group) {
  return std::any_of(group.match.begin(), group.match.end(),
                     [&](const std::string& pattern) { return parameter_fits(parameter.name, pattern); });
}

void check_patterns(const Parameters& parameters, const std::vector<ParameterGroup>& groups) {
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (const std::string& pattern : groups[i].match)
      if (std::none_of(parameters.begin(), parameters.end(),
                       [&](const NamedTensor& p) { return parameter_fits(p.name, pattern); }))
        fail_input("/optimizer/groups/{}/match: \"{}\" fits no parameter, expected a pattern of names such as {}", i,
                   pattern, some_names(parameters));
}

/// "layer1.0" of "layer1.0.conv1.weight"; nothing if it is in no block.
std::string_view block_of(std::string_view name) {
  constexpr std::string_view kStage = "layer";
  const auto end_of_number = [&](std::size_t begin) { return name.find_first_not_of("0123456789", begin); };
  if (!name.starts_with(kStage)) return {};
  const std::size_t stage = end_of_number(kStage.size());
  if (stage == std::string_view::npos || stage == kStage.size() || name[stage] != '.') return {};
  const std::size_t block = end_of_number(stage + 1);
  if (block == std::string_view::npos || block == stage + 1 || name[block] != '.') return {};
  return name.substr(0, block);
}

/// The layer of each parameter, counted from the input.
std::vector<int> layers_of(const Parameters& parameters) {
  std::vector<int> layers;
  int blocks = 0;
  std::string_view block;
  for (const NamedTensor& p : parameters) {
    const std::string_view own = block_of(p.name);
    if (!own.empty() && own != block) {
      block = own;
      ++blocks;
    }
    layers.push_back(own.empty() && blocks > 0 ? -1 : blocks);
  }
  if (blocks == 0)
    fail_input("/optimizer/layer_decay: the network has no blocks, such as layer1.0, but {}; expected 1",
               some_names(parameters));
  std::replace(layers.begin(), layers.end(), -1, blocks + 1);
  return layers;
}

}  // namespace

std::vector<ParameterFactors> parameter_factors(const Parameters& parameters, const ParameterOptions& options) {
  check_patterns(parameters, options.groups);
  std::vector<ParameterFactors> factors(parameters.size());
  if (options.layer_decay != 1) {
    const std::vector<int> layers = layers_of(parameters);
    const int last = *std::max_element(layers.begin(), layers.end());
    for (std::size_t i = 0; i < factors.size(); ++i) factors[i].lr = std::pow(options.layer_decay, last - layers[i]);
  }
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (options.decay == ParameterOptions::Decay::matrices && parameters[i].tensor().shape().rank() < 2)
      factors[i].weight_decay = 0;
    for (const ParameterGroup& group : options.groups) {
      if (!fits(parameters[i], group)) continue;
      factors[i].lr *= group.lr;
      factors[i].weight_decay *= group.weight_decay;
    }
  }
  return factors;
}

std::string describe_groups(const Parameters& parameters, const ParameterOptions& options) {
  std::string text;
  if (options.layer_decay != 1) {
    const std::vector<int> layers = layers_of(parameters);
    const int last = *std::max_element(layers.begin(), layers.end());
    text += fmt::format("layer decay {}: {} layers, the first one's learning rate x {:.3g}\n", options.layer_decay,
                        last + 1, std::pow(options.layer_decay, last));
  }
  for (const ParameterGroup& group : options.groups)
    text += fmt::format(
        "group {}: {} tensors, learning rate x {}, weight decay x {}\n", fmt::join(group.match, ", "),
        std::count_if(parameters.begin(), parameters.end(), [&](const NamedTensor& p) { return fits(p, group); }),
        group.lr, group.weight_decay);
  return text;
}

}  // namespace tandem
