#pragma once
// The keys of a config, with the values they accept. The reader and the writer both go through these lists, so neither
// can forget a key: they are called as  keys("name", field)  or  keys("name", field, range). The lists of the parts
// that have options of their own stand beside those (core/base/option_keys.h says how).

#include "core/base/option_keys.h"
#include "train/config/config.h"

namespace tandem {

constexpr auto enum_names(ResNetConfig::StrideOn) {
  using enum ResNetConfig::StrideOn;
  return std::to_array<EnumName<ResNetConfig::StrideOn>>({{conv3x3, "3x3"}, {conv1x1, "1x1"}});
}
constexpr auto enum_names(ResNetConfig::Pool) {
  using enum ResNetConfig::Pool;
  return std::to_array<EnumName<ResNetConfig::Pool>>({{torch, "torch"}, {caffe, "caffe"}});
}
constexpr auto enum_names(ResNetConfig::Stem) {
  using enum ResNetConfig::Stem;
  return std::to_array<EnumName<ResNetConfig::Stem>>({{conv7, "conv7"}, {deep, "deep"}});
}
constexpr auto enum_names(ResNetConfig::Shortcut) {
  using enum ResNetConfig::Shortcut;
  return std::to_array<EnumName<ResNetConfig::Shortcut>>({{conv, "conv"}, {pooled, "pooled"}});
}
constexpr auto enum_names(ModelConfig::BatchNorm) {
  using enum ModelConfig::BatchNorm;
  return std::to_array<EnumName<ModelConfig::BatchNorm>>({{per_tower, "per_tower"}, {joint, "joint"}});
}

template <class Keys, Of<ResNetConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("width", c.width, Range{1, 4096});
  keys("stem_width", c.stem_width, Range{1, 4096});
  keys("stride_on", c.stride_on);
  keys("pool", c.pool);
  keys("groups", c.groups, Range{1, 4096});
  keys("group_width", c.group_width, Range{1, 4096});
  keys("stem", c.stem);
  keys("shortcut", c.shortcut);
}

template <class Keys, Of<ModelConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("arch", c.arch);
  keys("classes", c.classes, Range{2, 1e6});
  keys("embedding", c.embedding, Range{1, 65536});
  keys("batch_norm", c.batch_norm);
  keys("zero_init_residual", c.zero_init_residual);
  keys("weights", c.weights);
  keys("weights_key", c.weights_key);
  keys("weights_skip", c.weights_skip);
  keys("resnet", c.resnet);
  keys("dropout", c.dropout, Range{.low = 0, .high = 1, .without_high = true});
  keys("stochastic_depth", c.stochastic_depth, Range{.low = 0, .high = 1, .without_high = true});
  keys("input", c.input);
}

template <class Keys, Of<SourceConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("list", c.list);
  keys("root", c.root);
  keys("split", c.split);
  keys("weight", c.weight, Range{.low = 0, .high = 1000, .without_low = true});
}

template <class Keys, Of<DataConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys.one_or_more("train", c.train);
  keys("eval", c.eval);
  keys("image_size", c.image_size, Range{8, 4096});
  keys("augment", c.augment);
  keys("fast_decode", c.fast_decode);
  keys("workers", c.workers, Range{1, 256});
  keys("max_pixels", c.max_pixels, Range{4, 1 << 30});
}

/// A blur mirrors the image at its edges, once.
inline void check_options(const DataConfig& c, OptionProblems& problems) {
  const auto& blur = c.augment.gaussian_blur;
  if (blur && blur->kernel_size / 2 >= c.image_size)
    problems.push_back({"/augment/gaussian_blur/kernel_size",
                        fmt::format("a number below twice /data/image_size, which is {}", c.image_size)});
}

template <class Keys, Of<TrainConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("epochs", c.epochs, Range{1, 1e6});
  keys("losses_every", c.losses_every, Range{1, 1000});
  keys.duration("max_time", c.max_time);
  keys("evaluate_at_max_time", c.evaluate_at_max_time);
  keys("early_stopping", c.early_stopping);
}

template <class Keys, Of<CheckpointConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("every_epochs", c.every_epochs, Range{1, 1e6});
  keys("every_steps", c.every_steps, Range{1, 1e12});
  keys("every_minutes", c.every_minutes, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("keep", c.keep, Range{0, 1e6});
  keys("best", c.best);
}

inline void check_options(const TrainConfig& c, OptionProblems& problems) {
  if (c.evaluate_at_max_time && !c.max_time)
    problems.push_back({"/evaluate_at_max_time", ", since there is no /train/max_time", true});
}

template <class Keys, Of<CpuConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("threads", c.threads, Range{1, 1024});
  keys("autotune", c.autotune);
}

template <class Keys, Of<Config> C>
void visit_keys(Keys& keys, C& c) {
  keys("seed", c.seed);
  keys("device", c.device);
  keys("precision", c.precision);
  keys("deterministic", c.deterministic);
  keys("output", c.output);
  keys("model", c.model);
  keys("data", c.data);
  keys("pairs", c.pairs);
  keys("loss", c.loss);
  keys("optimizer", c.optimizer);
  keys("schedule", c.schedule);
  keys("ema", c.ema);
  keys("finetune", c.finetune);
  keys("train", c.train);
  keys("checkpoint", c.checkpoint);
  keys("cpu", c.cpu);
}

}  // namespace tandem
