#include "train/loop/parts.h"

#include <cmath>

#include "data/list/list_checks.h"
#include "inference/predict.h"
#include "layers/initialise.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem {
namespace {

PairLossOptions loss_options(const LossConfig& config) {
  const auto form =
      config.contrastive.form == ContrastiveConfig::Form::legacy ? ContrastiveForm::legacy : ContrastiveForm::hadsell;
  return {config.softmax.weight,
          config.softmax.label_smoothing,
          config.contrastive.weight.value_or(0.0),
          {config.contrastive.margin, form}};
}

}  // namespace

ImageList load_list(const SourceConfig& source, std::optional<int> classes) {
  return ImageList::load(source.list, source.root.value_or(""), classes);
}

ImageList load_known_list(const SourceConfig& source, const std::vector<std::string>& classes) {
  return ImageList::load_known(source.list, source.root.value_or(""), classes);
}

std::vector<std::string> data_remarks(const ImageList& train, const std::optional<ImageList>& eval) {
  std::vector<std::string> lines = remarks(train);
  if (!eval) return lines;
  for (std::string& line : remarks(*eval)) lines.push_back(std::move(line));
  if (const std::size_t shared = count_shared(*eval, train); shared > 0)
    lines.push_back(
        fmt::format("warning: {} of the {} evaluation images are training images too", shared, eval->size()));
  return lines;
}

Augment augment_of(const AugmentConfig& config) {
  Augment augment;
  if (config.random_resized_crop)
    augment.random_resized_crop = {static_cast<float>((*config.random_resized_crop)[0]),
                                   static_cast<float>((*config.random_resized_crop)[1])};
  augment.flip = config.flip;
  return augment;
}

std::unique_ptr<Optimizer> make_optimizer(Backend& backend, Module& module, const OptimizerConfig& config) {
  if (config.type == OptimizerConfig::Type::sgd)
    return std::make_unique<Sgd>(backend, module, SgdOptions{config.momentum, config.nesterov, config.weight_decay});
  const bool decoupled = config.type == OptimizerConfig::Type::adamw;
  return std::make_unique<Adam>(
      backend, module, AdamOptions{config.betas[0], config.betas[1], config.eps, config.weight_decay, decoupled});
}

Schedule make_schedule(const Config& config, const PairStream& stream) {
  std::vector<std::int64_t> milestones;  // Epochs differ in their steps where the pairs of a step do not divide them.
  for (const int epochs : config.schedule.milestones) milestones.push_back(stream.steps_before_epoch_end(epochs - 1));
  return {config.schedule, config.optimizer.lr, stream.steps_before_epoch_end(config.train.epochs - 1),
          std::move(milestones)};
}

StepOptions step_options(const Config& config, const Engine& engine) {
  StepOptions options;
  options.pairs = config.pairs.batch;
  options.size = config.data.image_size;
  options.loss = loss_options(config.loss);
  options.match_softmax = !config.loss.contrastive.weight;
  // On the CPU nothing is gained by waiting less often.
  options.max_in_flight = config.train.losses_every.value_or(engine.on_cuda() ? 10 : 1);
  options.synchronous = !engine.on_cuda() && options.max_in_flight == 1;
  if (engine.compute == DType::f16) options.loss_scaling = LossScaleOptions{};
  return options;
}

Context step_context(const Config& config, const Engine& engine) {
  Context context{*engine.backend, engine.compute};
  context.groups = config.model.batch_norm == ModelConfig::BatchNorm::per_tower ? 2 : 1;
  return context;
}

Engine engine_of(const Config& config) {
  return open_engine(config.device, config.precision, {config.cpu.threads, config.cpu.autotune, config.deterministic});
}

void try_batch(Config config, int pairs) {
  config.pairs.batch = pairs;
  config.train.losses_every.reset();
  const auto classes = static_cast<std::int64_t>(load_list(config.data.train, config.model.classes).classes().size());
  const Engine engine = engine_of(config);
  TwinTowers model(*engine.backend, param_dtype(engine.compute), model_options(config.model, classes));
  initialise(*engine.backend, model, config.seed);
  const auto optimizer = make_optimizer(*engine.backend, model, config.optimizer);
  StepExecutor steps(step_context(config, engine), model, *optimizer, step_options(config, engine),
                     {std::log(static_cast<double>(classes)), kFirstLossScale});
  Batch batch{0, 2 * pairs, config.data.image_size, {}, {}};
  batch.labels.assign(static_cast<std::size_t>(batch.images), 0);
  batch.pixels.assign(batch.labels.size() * static_cast<std::size_t>(3 * batch.size * batch.size), 0);
  for (std::int64_t t = 1; t <= 3; ++t) {
    steps.submit(batch, 0.0, t);
    steps.finish([](const LossValues&) {});
  }
  if (config.data.eval) predict_blank(*engine.backend, engine.compute, model, 2 * pairs, config.data.image_size);
}

}  // namespace tandem
