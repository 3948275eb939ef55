#include "train/loop/session.h"

#include <cmath>

#include "data/list/copies.h"
#include "data/list/list_checks.h"
#include "data/source/open_source.h"
#include "layers/initialise.h"
#include "train/checkpoint/resume_check.h"
#include "train/loop/run_log.h"

namespace tandem {
namespace {

SourceSpec spec_of(const SourceConfig& source) {
  return {source.list, source.root.value_or(""), source.split, source.weight};
}

Context make_context(const Engine& engine, ModelConfig::BatchNorm batch_norm) {
  Context context{*engine.backend, engine.compute};
  context.groups = batch_norm == ModelConfig::BatchNorm::per_tower ? 2 : 1;
  return context;
}

/// What is counted in steps must fall within the run, whose length the config alone does not tell.
void check_steps(const ScheduleOptions& options, std::int64_t total) {
  if (options.unit != ScheduleOptions::Unit::steps) return;
  if (const auto& m = options.milestones; !m.empty() && m.back() >= total)
    fail_input("/schedule/milestones: got {}, expected steps below the run's {}", m.back(), total);
  if (options.period && *options.period >= total)
    fail_input("/schedule/period: got {}, expected a number of steps below the run's {}", *options.period, total);
}

Schedule make_schedule(const ScheduleOptions& options, double lr, const Epochs& epochs) {
  check_steps(options, epochs.total_steps());
  std::vector<std::int64_t> falls;  // Epochs differ in their steps where the pairs of a step do not divide them.
  for (const int ended : options.milestones) falls.push_back(epochs.end_of(ended - 1));
  const bool each_epoch = options.type == ScheduleOptions::Type::exponential;
  if (options.period || each_epoch)
    for (int ended = options.period.value_or(1); ended < epochs.count(); ended += options.period.value_or(1))
      falls.push_back(epochs.end_of(ended - 1));
  return {options, lr, epochs.total_steps(), std::move(falls)};
}

StepOptions make_step_options(const Config& config, const Engine& engine) {
  StepOptions options;
  options.pairs = config.pairs.batch;
  options.batches = config.pairs.accumulate;
  options.size = config.data.image_size;
  options.mixes = config.data.augment.mixes();
  options.drop = {config.model.dropout, config.model.stochastic_depth};
  options.seed = config.seed;
  // On the CPU nothing is gained by waiting less often.
  options.max_in_flight = config.train.losses_every.value_or(engine.on_cuda() ? 10 : 1);
  options.synchronous = !engine.on_cuda() && options.max_in_flight == 1;
  if (engine.compute == DType::f16) options.loss_scaling = LossScaleOptions{};
  return options;
}

/// What the owner of the lists should know before a run begins.
std::vector<std::string> remarks_on(const ImageSource& train, const ImageSource* eval) {
  std::vector<std::string> lines;
  const auto add = [&](const std::vector<std::string>& more) { lines.insert(lines.end(), more.begin(), more.end()); };
  for (const ImageSource* list : {&train, eval}) {
    if (list == nullptr) continue;
    add({list->naming()});
    add(remarks(*list));
  }
  add(copy_remarks(train, eval));
  return lines;
}

/// The figures that the epochs of a run will have.
Figures figures_of_epochs(const TrainingLoss& loss, const TrainedHeads& heads, bool evaluated, bool averaged) {
  EpochRecord record;
  record.losses = loss.values(std::vector<double>(1 + loss.terms().size()));
  if (evaluated) record.scores.emplace();
  if (evaluated && !heads.classifier) record.scores->recall_at_1 = 0;
  if (averaged) record.averaged = record.scores;
  return figures_in(epoch_figures(record));
}

}  // namespace

std::unique_ptr<const ImageSource> open_training_list(const Config& config) {
  std::vector<SourceSpec> specs;
  for (const SourceConfig& source : config.data.train) specs.push_back(spec_of(source));
  return open_sources(specs, config.model.classes);
}

PairLoaderOptions make_loader_options(const Config& config) {
  PairLoaderOptions options;
  options.pairs = config.pairs;
  options.input = {config.model.input, config.data.image_size};
  options.augment = config.data.augment;
  options.seed = config.seed;
  options.workers = static_cast<unsigned>(config.data.workers);
  options.max_pixels = config.data.max_pixels;
  options.fast_decode = config.data.fast_decode;
  return options;
}

Session::Session(const Config& from)
    : config(from),
      train_list(open_training_list(from)),
      engine(open_engine(from.device, from.precision, {from.cpu.threads, from.cpu.autotune, from.deterministic})),
      backend(*engine.backend),
      step_context(make_context(engine, from.model.batch_norm)),
      model(backend, param_dtype(engine.compute),
            model_options(from.model, static_cast<std::int64_t>(train_list->classes().size()))),
      loss(from.loss),
      epochs(PairStream(train_list->labels(), from.pairs, from.seed, train_list->parts()), from.train.epochs),
      schedule(make_schedule(from.schedule, from.optimizer.lr, epochs)),
      step_options(make_step_options(from, engine)),
      heads(trained_heads(from.loss)),
      freezing(model, from.finetune, heads, epochs),
      optimizer(make_optimizer(backend, model, from.optimizer, freezing.never_trained())),
      predict_options{{from.model.input, from.data.image_size},
                      2 * from.pairs.batch,
                      from.data.workers,
                      !heads.embedding,
                      from.data.max_pixels,
                      heads.embedding || !heads.classifier},
      loader_options(make_loader_options(from)),
      control(from, figures_of_epochs(loss, heads, from.data.eval.has_value(), from.ema.has_value())) {
  if (static_cast<std::size_t>(from.pairs.of_step()) > train_list->size())
    fail_input("/pairs/{}: {} pairs per step from {} training images; expected at most {}",
               from.pairs.accumulate > 1 ? "accumulate" : "batch", from.pairs.of_step(), train_list->size(),
               train_list->size());
  require_two_classes(*train_list);
  if (const auto& eval = from.data.eval) eval_list = open_known_source(spec_of(*eval), train_list->classes());
  initialise(backend, model, from.seed);
  if (from.ema) ema = std::make_unique<Ema>(backend, model, *from.ema);
  step_options.before_step = [this](std::int64_t t) { return freezing.apply(t - 1); };
}

RunState Session::first_state() const {
  RunState state;
  state.images = static_cast<std::int64_t>(train_list->size());
  state.list = fingerprint(*train_list);
  state.epoch_sums.assign(1 + loss.terms().size(), 0);
  // Before the first step the loss of a classifier that knows nothing, log K, stands for the moving average.
  state.matched_weight = std::log(static_cast<double>(train_list->classes().size()));
  if (engine.compute == DType::f16) state.loss_scale = kFirstLossScale;
  if (eval_list) state.eval_list = fingerprint(*eval_list);
  state.computed_on = computed_on();
  control.begin(state);
  return state;
}

bool Session::epoch_is_open(const RunState& state) const {
  return state.epoch_steps > 0 && state.step == epochs.begin_of(epochs.ended_after(state.step));
}

std::string Session::computed_on() const { return fmt::format("{} on {}", engine.precision, backend.description()); }

void Session::check_evaluation() const {
  if (eval_list) check_decodes(*eval_list, config.data.max_pixels);
}

std::string Session::description() {
  std::int64_t parameters = 0;
  for (const NamedTensor& p : model.parameters()) parameters += p.tensor().size();
  std::string text = fmt::format("{} in {}\n", config.model.arch, computed_on()) +
                     fmt::format("{:.1f} M parameters; {} training images in {} classes; {} for evaluation\n",
                                 static_cast<double>(parameters) / 1e6, train_list->size(),
                                 train_list->classes().size(), eval_list ? std::to_string(eval_list->size()) : "none") +
                     fmt::format("{} pairs per step, {} steps in {} epoch{}\n", config.pairs.of_step(),
                                 epochs.total_steps(), epochs.count(), epochs.count() == 1 ? "" : "s");
  if (step_options.batches > 1)
    text += fmt::format("each step accumulates {} batches of {} pairs: losses and batch norm see one batch at a time\n",
                        step_options.batches, step_options.pairs);
  if (config.ema) text += fmt::format("weights are averaged, decay {}\n", config.ema->decay);
  text += describe_groups(model.parameters(), config.optimizer.parameters);
  text += freezing.description();
  if (const std::string why = backend.why_choices_are_not_kept(); !why.empty())
    text += fmt::format("cpu.autotune: {}: only the checkpoints of this run keep its choices\n", why);
  for (const std::string& remark : remarks_on(*train_list, eval_list.get())) text += remark + '\n';
  return text;
}

StepExecutor Session::make_steps(const RunState& state) {
  return {step_context, model,        *optimizer,
          loss,         step_options, {state.matched_weight, state.loss_scale.value_or(kFirstLossScale)},
          ema.get()};
}

PairLoader Session::make_loader(std::int64_t first_step, std::int64_t last_step) const {
  PairLoaderOptions options = loader_options;
  options.first_step = first_step;
  options.last_step = last_step;
  return {*train_list, options};
}

}  // namespace tandem
