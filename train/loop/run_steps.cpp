// The steps of a run, the ends of its epochs, and its checkpoints.

#include <algorithm>

#include "train/loop/run.h"

namespace tandem {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const LossValues& v) {
  return {{"total", v.total}, {"softmax_a", v.softmax_a}, {"softmax_b", v.softmax_b}, {"contrastive", v.contrastive}};
}

LossValues operator+(const LossValues& a, const LossValues& b) {
  return {a.total + b.total, a.softmax_a + b.softmax_a, a.softmax_b + b.softmax_b, a.contrastive + b.contrastive};
}

LossValues operator/(const LossValues& a, double n) {
  return {a.total / n, a.softmax_a / n, a.softmax_b / n, a.contrastive / n};
}

}  // namespace

bool Run::is_due(std::int64_t epoch) const {
  return (epoch + 1) % config_.checkpoint.every_epochs == 0 || epoch + 1 == config_.train.epochs;
}

std::int64_t Run::epochs_ended() const {
  if (state_.step == 0) return 0;
  const std::int64_t epoch = stream_.epoch_of_step(state_.step - 1);
  return state_.step == stream_.steps_before_epoch_end(epoch) ? epoch + 1 : epoch;
}

bool Run::epoch_is_open() const { return state_.epoch_steps > 0 && state_.step == first_step_of(epochs_ended()); }

void Run::save(RunFolder& folder, bool best, bool numbered) {
  const StepState state = steps_->state();
  if (!config_.loss.contrastive.weight) state_.matched_weight = state.matched_weight;
  if (state_.loss_scale) state_.loss_scale = state.loss_scale;
  save_checkpoint(folder.next(), backend_, model_, *optimizer_, {config_, train_list_.classes(), state_});
  if (best) folder.mark_best();
  if (numbered) folder.keep_numbered(state_.step);
  folder.mark_last();
  saved_step_ = state_.step;
}

/// For an error that is not the steps' own: what they did stays. The error that is on its way matters more than one
/// that comes of this.
void Run::save_before_an_error(const std::function<void()>& finish, RunFolder& folder) {
  try {
    finish();
    if (state_.step > saved_step_) save(folder, false, false);
    if (state_.step > 0)
      progress_.line(fmt::format("the run so far is in {}, --resume continues it", folder.last().string()));
  } catch (const std::exception& e) {
    progress_.line(fmt::format("what was done since the last checkpoint is lost: {}", e.what()));
  }
}

Accuracy Run::evaluate(RunFolder& folder) {
  Predictions predictions;
  try {
    predictions = predict(backend_, engine_.compute, model_, *eval_list_, predict_options());
  } catch (...) {
    save_before_an_error([] {}, folder);
    throw;
  }
  return accuracy(predictions);
}

/// Evaluates, logs, and writes the checkpoints that are due; with `save_anyway`, one in any case.
void Run::finish_epoch(std::int64_t epoch, bool save_anyway, MetricsLog& log, RunFolder& folder) {
  progress_.pause();
  const LossValues mean = state_.epoch_sums / static_cast<double>(state_.epoch_steps);
  // Unknown where another process trained the whole epoch.
  const double rate = epoch_seconds_ > 0 ? static_cast<double>(epoch_images_) / epoch_seconds_ : 0;
  ordered_json event{{"event", "epoch"},
                     {"epoch", epoch + 1},
                     {"step", state_.step},
                     {"loss", to_json(mean)},
                     {"lr", schedule_.lr(state_.step - 1)},
                     {"images_per_s", rate > 0 ? ordered_json(rate) : ordered_json(nullptr)}};
  std::string line =
      fmt::format("epoch {}/{}  loss {:.4f} (softmax {:.4f}, contrastive {:.4f})", epoch + 1, config_.train.epochs,
                  mean.total, (mean.softmax_a + mean.softmax_b) / 2, mean.contrastive);
  bool best = false;
  if (eval_list_) {
    const Accuracy a = evaluate(folder);
    event["eval"] = {{"top1", a.top1}, {"top5", a.top5}, {"loss", a.loss}};
    best = !state_.best_top1 || a.top1 > *state_.best_top1;
    if (best) state_.best_top1 = a.top1;
    line += fmt::format("  top-1 {:.3f}{}", a.top1, best ? " (best)" : "");
  }
  log.append(event);
  progress_.line(rate > 0 ? line + fmt::format("  {:.1f} images/s", rate) : line);
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
  return stop || static_cast<int>(queued_.size()) == step_options(config_, engine_).max_in_flight ||
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

Batch Run::next_batch(PairLoader& batches, double begin, RunFolder& folder, MetricsLog& log) {
  try {
    return batches.next();
  } catch (...) {
    const auto finish = [&] {
      if (!queued_.empty()) finish_steps(begin, log);
    };
    save_before_an_error(finish, folder);
    throw;
  }
}

bool Run::train(RunFolder& folder, MetricsLog& log, const InterruptScope& interrupt) {
  report_start();
  make_steps();
  if (epoch_is_open()) finish_epoch(epochs_ended() - 1, true, log, folder);
  PairLoader batches = loader(state_.step, total_steps_);
  double begin = 0;
  while (state_.step < total_steps_) {
    if (queued_.empty()) begin = seconds();
    Batch batch = next_batch(batches, begin, folder, log);
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

}  // namespace tandem
