#include "train/loop/run.h"

#include <cmath>

#include "data/list/list_checks.h"
#include "inference/model/import.h"
#include "layers/initialise.h"
#include "train/checkpoint/resume_check.h"

namespace tandem {

Run::Run(const Config& config, std::ostream& out)
    : config_(config),
      out_(out),
      progress_(out, Progress::standard_error()),
      train_list_(load_list(config.data.train, config.model.classes)),
      engine_(engine_of(config)),
      backend_(*engine_.backend),
      model_(backend_, param_dtype(engine_.compute),
             model_options(config.model, static_cast<std::int64_t>(train_list_.classes().size()))),
      optimizer_(make_optimizer(backend_, model_, config.optimizer)),
      stream_(static_cast<std::uint32_t>(train_list_.size()), config.pairs.batch, config.seed),
      total_steps_(stream_.steps_before_epoch_end(config.train.epochs - 1)),
      schedule_(make_schedule(config, stream_)) {
  if (static_cast<std::size_t>(config.pairs.batch) > train_list_.size())
    fail_input("/pairs/batch: {} pairs a step from {} training images; expected at most {}", config.pairs.batch,
               train_list_.size(), train_list_.size());
  require_two_classes(train_list_);
  if (config.data.eval) eval_list_ = load_known_list(*config.data.eval, train_list_.classes());
  // Before the first step the loss of a classifier that knows nothing, log K, stands for the moving average.
  state_.matched_weight = std::log(static_cast<double>(train_list_.classes().size()));
  state_.images = static_cast<std::int64_t>(train_list_.size());
  state_.list = fingerprint(train_list_);
  if (eval_list_) state_.eval_list = fingerprint(*eval_list_);
  if (engine_.compute == DType::f16) state_.loss_scale = kFirstLossScale;
  initialise(backend_, model_, config.seed);
}

void Run::report_start() const {
  std::int64_t parameters = 0;
  for (const NamedTensor& p : const_cast<TwinTowers&>(model_).parameters()) parameters += p.tensor().size();
  out_ << fmt::format("{} in {} on {}\n", config_.model.arch, engine_.precision, backend_.description())
       << fmt::format("{:.1f} M parameters; {} training images in {} classes; {} for evaluation\n",
                      static_cast<double>(parameters) / 1e6, train_list_.size(), train_list_.classes().size(),
                      eval_list_ ? std::to_string(eval_list_->size()) : "none")
       << fmt::format("{} pairs a step, {} steps in {} epochs\n", config_.pairs.batch, total_steps_,
                      config_.train.epochs);
  for (const std::string& remark : data_remarks(train_list_, eval_list_)) out_ << remark << '\n';
  out_ << std::flush;
}

void Run::check_evaluation() const {
  if (eval_list_) check_decodes(*eval_list_);
}

void Run::start_from_weights() {
  if (!config_.model.weights) return;
  const InitialWeights initial =
      load_initial_weights(*config_.model.weights, config_.model.weights_skip, backend_, model_);
  out_ << fmt::format("weights from {}\n", *config_.model.weights)
       << summarise_match(initial.match, initial.weights.origins);
  for (const std::string& note : initial.weights.notes) out_ << note << '\n';
}

void Run::resume(const std::filesystem::path& path) {
  const Checkpoint checkpoint(path);
  check_resumable(path, checkpoint.info(), {config_, train_list_.classes(), state_});
  const RunState now = std::exchange(state_, checkpoint.info().state);
  if (state_.step > total_steps_)
    fail_input("{}: cannot resume: the run has done {} steps, train.epochs {} makes {}", path.string(), state_.step,
               config_.train.epochs, total_steps_);
  checkpoint.load_model(backend_, model_);
  checkpoint.load_optimizer(backend_, *optimizer_);
  saved_step_ = state_.step;
  // A run whose precision is "auto" may go on in another one.
  if (!now.loss_scale || !state_.loss_scale) state_.loss_scale = now.loss_scale;
  state_.eval_list = now.eval_list;
  out_ << fmt::format("resumed from {} after step {} of {}\n", path.string(), state_.step, total_steps_);
  report_changes(checkpoint.info());
}

/// What means something else from here on than it did before.
void Run::report_changes(const CheckpointInfo& before) {
  const std::int64_t steps = stream_.steps_before_epoch_end(before.config.train.epochs - 1);
  if (steps != total_steps_)
    out_ << fmt::format("train.epochs is {}, it was {}: the schedule now ends after step {}, not {}\n",
                        config_.train.epochs, before.config.train.epochs, total_steps_, steps);
  // A checkpoint of an earlier version does not say what was evaluated.
  const bool same = before.state.eval_list ? before.state.eval_list == state_.eval_list : eval_list_.has_value();
  if (same || !state_.best_top1) return;
  out_ << fmt::format("the evaluation list is another one: the best top-1 so far, {:.3f}, counts no more\n",
                      *state_.best_top1);
  state_.best_top1.reset();
}

void Run::make_steps() {
  steps_ = std::make_unique<StepExecutor>(
      step_context(config_, engine_), model_, *optimizer_, step_options(config_, engine_),
      StepState{state_.matched_weight, state_.loss_scale.value_or(kFirstLossScale)});
}

PairLoader Run::loader(std::int64_t first_step, std::int64_t last_step) const {
  return PairLoader(train_list_, {config_.pairs.batch, config_.data.image_size, augment_of(config_.data.augment),
                                  config_.seed, static_cast<unsigned>(config_.data.workers), first_step, last_step});
}

}  // namespace tandem
