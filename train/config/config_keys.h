#pragma once
// Every key of a config, once, with the values it accepts. The reader and the writer both go through these lists, so
// neither can forget a key: they are called as  keys("name", field)  or  keys("name", field, range).

#include "core/base/option_keys.h"
#include "train/config/config.h"

namespace tandem {

constexpr auto enum_names(ModelConfig::Arch) {
  using enum ModelConfig::Arch;
  return std::to_array<EnumName<ModelConfig::Arch>>(
      {{resnet18, "resnet18"}, {resnet34, "resnet34"}, {resnet50, "resnet50"}, {resnet101, "resnet101"}});
}
constexpr auto enum_names(ModelConfig::BatchNorm) {
  using enum ModelConfig::BatchNorm;
  return std::to_array<EnumName<ModelConfig::BatchNorm>>({{per_tower, "per_tower"}, {joint, "joint"}});
}
constexpr auto enum_names(PairsConfig::Sampler) {
  return std::to_array<EnumName<PairsConfig::Sampler>>({{PairsConfig::Sampler::random, "random"}});
}
constexpr auto enum_names(ContrastiveConfig::Form) {
  using enum ContrastiveConfig::Form;
  return std::to_array<EnumName<ContrastiveConfig::Form>>({{hadsell, "hadsell"}, {legacy, "legacy"}});
}
constexpr auto enum_names(OptimizerConfig::Type) {
  using enum OptimizerConfig::Type;
  return std::to_array<EnumName<OptimizerConfig::Type>>({{sgd, "sgd"}, {adam, "adam"}, {adamw, "adamw"}});
}
constexpr auto enum_names(ScheduleConfig::Type) {
  using enum ScheduleConfig::Type;
  return std::to_array<EnumName<ScheduleConfig::Type>>({{cosine, "cosine"}, {step, "step"}, {constant, "constant"}});
}

template <class Keys, Of<ModelConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("arch", c.arch);
  keys("classes", c.classes, Range{2, 1e6});
  keys("embedding", c.embedding, Range{1, 65536});
  keys("batch_norm", c.batch_norm);
  keys("zero_init_residual", c.zero_init_residual);
  keys("weights", c.weights);
}

template <class Keys, Of<SourceConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("list", c.list);
  keys("root", c.root);
}

template <class Keys, Of<AugmentConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("random_resized_crop", c.random_resized_crop, Range{.low = 0, .high = 1, .without_low = true});
  keys("flip", c.flip);
}

template <class Keys, Of<DataConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("train", c.train);
  keys("eval", c.eval);
  keys("image_size", c.image_size, Range{8, 4096});
  keys("augment", c.augment);
  keys("workers", c.workers, Range{1, 256});
}

template <class Keys, Of<PairsConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("sampler", c.sampler);
  keys("batch", c.batch, Range{1, 65536});
}

template <class Keys, Of<SoftmaxConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("weight", c.weight, Range{0, 1e6});
  keys("label_smoothing", c.label_smoothing, Range{.low = 0, .high = 1, .without_high = true});
}

template <class Keys, Of<ContrastiveConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys.number_or("match_softmax", "weight", c.weight, Range{0, 1e6});
  keys("margin", c.margin, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("form", c.form);
}

template <class Keys, Of<LossConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("softmax", c.softmax);
  keys("contrastive", c.contrastive);
}

template <class Keys, Of<OptimizerConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("type", c.type);
  keys("lr", c.lr, Range{.low = 0, .high = 1000, .without_low = true});
  keys("momentum", c.momentum, Range{.low = 0, .high = 1, .without_high = true});
  keys("nesterov", c.nesterov);
  keys("betas", c.betas, Range{.low = 0, .high = 1, .without_high = true});
  keys("eps", c.eps, Range{.low = 0, .high = 1, .without_low = true});
  keys("weight_decay", c.weight_decay, Range{0, 1000});
}

template <class Keys, Of<ScheduleConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("type", c.type);
  keys("warmup", c.warmup, Range{0, 1});
  keys("milestones", c.milestones, Range{1, 1e6});
  keys("gamma", c.gamma, Range{.low = 0, .high = 1, .without_low = true});
}

template <class Keys, Of<TrainConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("epochs", c.epochs, Range{1, 1e6});
  keys("losses_every", c.losses_every, Range{1, 1000});
}

template <class Keys, Of<CheckpointConfig> C>
void visit_keys(Keys& keys, C& c) {
  keys("every_epochs", c.every_epochs, Range{1, 1e6});
  keys("every_steps", c.every_steps, Range{1, 1e12});
  keys("keep", c.keep, Range{0, 1e6});
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
  keys("train", c.train);
  keys("checkpoint", c.checkpoint);
  keys("cpu", c.cpu);
}

}  // namespace tandem
