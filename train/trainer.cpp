#include "train/trainer.h"

#include <chrono>
#include <cmath>

#include "data/list_checks.h"
#include "data/loader.h"
#include "data/pair_stream.h"
#include "layers/initialise.h"
#include "train/checkpoint.h"
#include "train/interrupt.h"
#include "train/metrics_log.h"
#include "train/out_of_memory.h"
#include "train/parts.h"
#include "train/predict.h"
#include "train/progress.h"
#include "train/resume_check.h"
#include "train/run_folder.h"
#include "train/schedule.h"

namespace tandem {
namespace {

using nlohmann::ordered_json;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

ordered_json to_json(const LossValues& v) {
  return {{"total", v.total}, {"softmax_a", v.softmax_a}, {"softmax_b", v.softmax_b}, {"contrastive", v.contrastive}};
}

LossValues operator+(const LossValues& a, const LossValues& b) {
  return {a.total + b.total, a.softmax_a + b.softmax_a, a.softmax_b + b.softmax_b, a.contrastive + b.contrastive};
}

LossValues operator/(const LossValues& a, double n) {
  return {a.total / n, a.softmax_a / n, a.softmax_b / n, a.contrastive / n};
}

/// The parts of a run, made from its config.
class Run {
 public:
  Run(const Config& config, std::ostream& out);

  void check_data() const;
  void dry_run();
  void start_from_weights();
  void resume(const std::filesystem::path& checkpoint);
  std::int64_t steps_done() const { return state_.step; }
  /// Trains until the end, or until interrupted. Returns whether it came to the end.
  bool train(RunFolder& folder, MetricsLog& log);

 private:
  /// A step whose losses have not been read yet.
  struct Queued {
    std::int64_t epoch;
    double lr;
    int images;
  };

  void make_steps();
  void finish_steps(double begin, MetricsLog& log);
  void note_step(const Queued& step, const LossValues& values, double took, double end, MetricsLog& log);
  bool must_read(bool stop) const;
  void finish_epoch(std::int64_t epoch, bool save_anyway, MetricsLog& log, RunFolder& folder);
  void save(RunFolder& folder, bool best, bool numbered);
  PairLoader loader(std::int64_t first_step, std::int64_t last_step) const;
  bool is_due(std::int64_t epoch) const;
  std::int64_t first_step_of(std::int64_t epoch) const {
    return epoch == 0 ? 0 : stream_.steps_before_epoch_end(epoch - 1);
  }
  void report_start() const;

  Config config_;
  std::ostream& out_;
  Progress progress_;
  ImageList train_list_;
  std::optional<ImageList> eval_list_;
  Engine engine_;
  Backend& backend_;
  TwinTowers model_;
  std::unique_ptr<Optimizer> optimizer_;
  PairStream stream_;
  std::int64_t total_steps_;
  Schedule schedule_;
  RunState state_;
  std::unique_ptr<StepQueue> steps_;
  std::vector<Queued> queued_;  // after state_.step
  double epoch_seconds_ = 0;    // spent on the epoch's steps in this process
  std::int64_t epoch_images_ = 0;
};

Run::Run(const Config& config, std::ostream& out)
    : config_(config),
      out_(out),
      progress_(out, Progress::standard_error()),
      train_list_(load_list(config.data.train, config.model.classes)),
      engine_(engine_of(config)),
      backend_(*engine_.backend),
      model_(backend_, real_type(engine_.compute),
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
  if (engine_.compute == DType::f16) state_.loss_scale = kFirstLossScale;
  initialise(backend_, model_, config.seed);
  if (config.model.zero_init_residual) model_.trunk().zero_init_residual(backend_);
}

void Run::report_start() const {
  std::int64_t parameters = 0;
  for (const NamedTensor& p : const_cast<TwinTowers&>(model_).parameters()) parameters += p.tensor().size();
  out_ << fmt::format("{} in {} on {}\n", to_string(config_.model.arch), engine_.precision, backend_.description())
       << fmt::format("{:.1f} M parameters; {} training images in {} classes; {} for evaluation\n",
                      static_cast<double>(parameters) / 1e6, train_list_.size(), train_list_.classes().size(),
                      eval_list_ ? std::to_string(eval_list_->size()) : "none")
       << fmt::format("{} pairs a step, {} steps in {} epochs\n", config_.pairs.batch, total_steps_,
                      config_.train.epochs);
  for (const std::string& remark : data_remarks(train_list_, eval_list_)) out_ << remark << '\n';
  out_ << std::flush;
}

void Run::check_data() const {
  check_decodes(train_list_);
  if (eval_list_) check_decodes(*eval_list_);
}

PairLoader Run::loader(std::int64_t first_step, std::int64_t last_step) const {
  return PairLoader(train_list_, {config_.pairs.batch, config_.data.image_size, augment_of(config_.data.augment),
                                  config_.seed, static_cast<unsigned>(config_.data.workers), first_step, last_step});
}

void Run::dry_run() {
  report_start();
  check_data();
  out_ << "every image can be decoded\n" << std::flush;
  // The first ones also set things up; on a GPU the third is captured.
  const std::int64_t steps = std::min<std::int64_t>(engine_.on_cuda() ? 4 : 2, total_steps_);
  PairLoader batches = loader(0, steps);
  make_steps();
  double spent = 0;
  for (std::int64_t i = 0; i < steps; ++i) {
    const Batch batch = batches.next();
    const double begin = seconds();
    steps_->submit(batch, schedule_.lr(i), i + 1);
    steps_->finish([](const LossValues&) {});
    spent = seconds() - begin;
  }
  out_ << fmt::format("a step takes {:.2f} s, the run about {:.1f} h; {} MiB of tensors. Nothing was written.\n", spent,
                      spent * static_cast<double>(total_steps_) / 3600, backend_.memory().peak_in_use >> 20);
}

void Run::start_from_weights() {
  if (!config_.model.weights) return;
  const auto missing = load_initial_weights(*config_.model.weights, backend_, model_);
  out_ << fmt::format("weights from {}", *config_.model.weights);
  if (!missing.empty()) out_ << fmt::format("; random where it has none that fit: {}", fmt::join(missing, ", "));
  out_ << '\n';
}

void Run::resume(const std::filesystem::path& path) {
  const Checkpoint checkpoint(path);
  check_resumable(path, checkpoint.info(), {config_, train_list_.classes(), state_});
  checkpoint.load_model(backend_, model_);
  checkpoint.load_optimizer(backend_, *optimizer_);
  const auto first_scale = state_.loss_scale;
  state_ = checkpoint.info().state;
  // A run whose precision is "auto" may go on in another one.
  if (!first_scale || !state_.loss_scale) state_.loss_scale = first_scale;
  out_ << fmt::format("resumed from {} after step {} of {}\n", path.string(), state_.step, total_steps_);
}

void Run::make_steps() {
  steps_ =
      std::make_unique<StepQueue>(step_context(config_, engine_), model_, *optimizer_, step_options(config_, engine_),
                                  StepState{state_.matched_weight, state_.loss_scale.value_or(kFirstLossScale)});
}

bool Run::is_due(std::int64_t epoch) const {
  return (epoch + 1) % config_.checkpoint.every_epochs == 0 || epoch + 1 == config_.train.epochs;
}

void Run::save(RunFolder& folder, bool best, bool numbered) {
  const StepState state = steps_->state();
  if (!config_.loss.contrastive.weight) state_.matched_weight = state.matched_weight;
  if (state_.loss_scale) state_.loss_scale = state.loss_scale;
  save_checkpoint(folder.next(), backend_, model_, *optimizer_, {config_, train_list_.classes(), state_});
  if (best) folder.mark_best();
  if (numbered) folder.keep_numbered(state_.step);
  folder.mark_last();
}

/// Evaluates, logs, and writes the checkpoints that are due; with `save_anyway`, one in any case.
void Run::finish_epoch(std::int64_t epoch, bool save_anyway, MetricsLog& log, RunFolder& folder) {
  progress_.pause();
  const LossValues mean = state_.epoch_sums / static_cast<double>(state_.epoch_steps);
  const double rate = static_cast<double>(epoch_images_) / std::max(epoch_seconds_, 1e-9);
  ordered_json event{{"event", "epoch"},
                     {"epoch", epoch + 1},
                     {"step", state_.step},
                     {"loss", to_json(mean)},
                     {"lr", schedule_.lr(state_.step - 1)},
                     {"images_per_s", rate}};
  std::string line =
      fmt::format("epoch {}/{}  loss {:.4f} (softmax {:.4f}, contrastive {:.4f})", epoch + 1, config_.train.epochs,
                  mean.total, (mean.softmax_a + mean.softmax_b) / 2, mean.contrastive);
  bool best = false;
  if (eval_list_) {
    const Accuracy a = accuracy(predict(backend_, engine_.compute, model_, *eval_list_,
                                        {config_.data.image_size, 2 * config_.pairs.batch, config_.data.workers}));
    event["eval"] = {{"top1", a.top1}, {"top5", a.top5}, {"loss", a.loss}};
    best = !state_.best_top1 || a.top1 > *state_.best_top1;
    if (best) state_.best_top1 = a.top1;
    line += fmt::format("  top-1 {:.3f}{}", a.top1, best ? " (best)" : "");
  }
  log.append(event);
  progress_.line(line + fmt::format("  {:.1f} images/s", rate));
  state_.epoch_sums = {};
  state_.epoch_steps = 0;
  epoch_seconds_ = 0;
  epoch_images_ = 0;
  // The best one is written whenever it is found, also between the epochs that are due. Without an evaluation, the
  // latest is the best there is.
  if (is_due(epoch) || best || save_anyway) save(folder, best || !eval_list_, is_due(epoch));
}

/// Whether the losses of the steps queued must be read before the next step is made.
bool Run::must_read(bool stop) const {
  const std::int64_t step = state_.step + static_cast<std::int64_t>(queued_.size());
  const auto& every = config_.checkpoint.every_steps;
  return stop || static_cast<int>(queued_.size()) == step_options(config_, engine_).most_queued ||
         step == stream_.steps_before_epoch_end(queued_.back().epoch) || (every && step % *every == 0);
}

void Run::note_step(const Queued& step, const LossValues& values, double took, double end, MetricsLog& log) {
  ++state_.step;
  ++state_.epoch_steps;
  state_.epoch_sums = state_.epoch_sums + values;
  epoch_images_ += step.images;
  log.append({{"event", "step"},
              {"epoch", step.epoch + 1},
              {"step", state_.step},
              {"loss", to_json(values)},
              {"lr", step.lr},
              {"images_per_s", step.images / took}});
  const std::int64_t epoch_end = stream_.steps_before_epoch_end(step.epoch), epoch_begin = first_step_of(step.epoch);
  progress_.step(
      {static_cast<int>(step.epoch) + 1, config_.train.epochs, state_.step - epoch_begin, epoch_end - epoch_begin,
       step.images, values.total, (values.softmax_a + values.softmax_b) / 2, values.contrastive},
      end);
}

/// Waits for the steps queued since `begin`, and notes each with its share of the time.
void Run::finish_steps(double begin, MetricsLog& log) {
  const auto note = [&, end = 0.0, took = 0.0, i = std::size_t{0}](const LossValues& values) mutable {
    if (i == 0) {
      end = seconds();
      took = (end - begin) / static_cast<double>(queued_.size());
      epoch_seconds_ += end - begin;
    }
    const auto left = static_cast<double>(queued_.size() - 1 - i);
    note_step(queued_[i++], values, took, end - left * took, log);
  };
  steps_->finish(note);
  queued_.clear();
}

bool Run::train(RunFolder& folder, MetricsLog& log) {
  report_start();
  const InterruptScope interrupt;
  make_steps();
  PairLoader batches = loader(state_.step, total_steps_);
  double begin = 0;
  while (state_.step < total_steps_) {
    if (queued_.empty()) begin = seconds();
    Batch batch = batches.next();
    const std::int64_t step = state_.step + static_cast<std::int64_t>(queued_.size());
    const std::int64_t epoch = stream_.epoch_of_step(step);
    queued_.push_back({epoch, schedule_.lr(step), batch.images});
    steps_->submit(batch, queued_.back().lr, step + 1);
    batches.recycle(std::move(batch));
    const bool stop = interrupt.interrupted();
    if (!must_read(stop)) continue;
    finish_steps(begin, log);
    const auto& every = config_.checkpoint.every_steps;
    const bool save_now = stop || (every && state_.step % *every == 0);
    if (state_.step == stream_.steps_before_epoch_end(epoch))
      finish_epoch(epoch, save_now, log, folder);
    else if (save_now)
      save(folder, false, false);
    if (stop && state_.step < total_steps_) return false;
  }
  progress_.clear();
  return true;
}

int start(const Config& config, const TrainOptions& options, std::ostream& out) {
  Run run(config, out);
  if (options.dry_run) {
    run.start_from_weights();
    run.dry_run();
    return 0;
  }
  RunFolder folder(config.output, config.checkpoint.keep);
  if (folder.has_checkpoint() && !options.resume)
    fail_input("{}: holds a run already; --resume continues it, --set output=FOLDER starts another",
               folder.last().string());
  MetricsLog log(folder.metrics());
  if (folder.has_checkpoint()) {
    run.resume(folder.last());
  } else {
    run.start_from_weights();
  }
  log.truncate_after(run.steps_done());
  folder.write_config(to_json(config).dump(2) + "\n");
  if (!run.train(folder, log)) {
    out << "interrupted; the run so far is in " << folder.last().string() << ", --resume continues it\n";
    return 130;
  }
  out << "done: " << folder.best().string() << '\n';
  return 0;
}

}  // namespace

int train(const Config& config, const TrainOptions& options, std::ostream& out) {
  try {
    return start(config, options, out);
  } catch (const OutOfMemory& e) {
    // The run, and with it its memory, is gone by now.
    fail_with_a_batch_that_fits(e, "--set pairs.batch=", config.pairs.batch,
                                [&](int pairs) { try_batch(config, pairs); });
  }
}

}  // namespace tandem
