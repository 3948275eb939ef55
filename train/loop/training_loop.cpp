#include "train/loop/training_loop.h"

#include <algorithm>
#include <utility>

#include "core/base/timing.h"
#include "inference/distances.h"
#include "inference/embedding_spread.h"
#include "inference/ranking.h"

namespace tandem {

TrainingLoop::TrainingLoop(Session& session, RunState state, RunFolder& folder, RunLog& log,
                           const InterruptScope& interrupt, const TimeLimit& time_limit,
                           std::function<bool()> goes_on_after_epoch)
    : session_(session),
      state_(std::move(state)),
      steps_(session.make_steps(state_)),
      keeper_(session, state_, steps_, folder),
      log_(log),
      interrupt_(interrupt),
      time_limit_(time_limit),
      first_step_(state_.step),
      goes_on_after_epoch_(std::move(goes_on_after_epoch)) {}

TrainingLoop::Ending TrainingLoop::run() {
  const Ending ending = train();
  log_.line(keeper_.finish());
  log_.clear();
  return ending;
}

TrainingLoop::Ending TrainingLoop::train() {
  const Epochs& epochs = session_.epochs;
  if (session_.epoch_is_open(state_) && !finish_epoch(true)) return Ending::interrupted;
  if (has_stopped_early()) return Ending::stopped_early;
  if (ended_) return Ending::ended;
  PairLoader batches = session_.make_loader(state_.step, epochs.total_steps());
  while (state_.step < epochs.total_steps()) {
    const bool stop = must_stop();
    if (!stop) submit(batches);
    if (!must_finish(stop)) continue;
    if (!in_flight_.empty()) finish_steps();
    const bool goes_on = finish_step();
    if (has_stopped_early()) return Ending::stopped_early;
    if (ended_) return Ending::ended;
    if (!goes_on) return interrupt_.interrupted() ? Ending::interrupted : Ending::out_of_time;
  }
  return Ending::finished;
}

/// Each process makes a step at least, so that a run that is resumed again and again comes to its end.
bool TrainingLoop::time_is_up() const {
  const std::int64_t steps = steps_submitted();
  return steps > first_step_ && steps < session_.epochs.total_steps() && time_limit_.is_up();
}

/// Within an epoch that is not closed the patience is that of the epoch before, which was not up.
bool TrainingLoop::has_stopped_early() const {
  return state_.step < session_.epochs.total_steps() && !session_.control.why_stopped(state_).empty();
}

/// What is due after the last step, all being finished. Returns whether the run goes on.
bool TrainingLoop::finish_step() {
  log_.line(keeper_.poll());
  const bool stop = must_stop();
  const bool save_now = stop || keeper_.is_due_after_step(state_.step);
  if (session_.epoch_is_open(state_)) return finish_epoch(save_now) && !stop;
  if (save_now && state_.step > 0) log_.line(keeper_.save({}));
  if (stop && !interrupt_.interrupted()) evaluate_at_max_time();
  return !stop;
}

void TrainingLoop::submit(PairLoader& batches) {
  if (in_flight_.empty()) begin_ = seconds();
  const int images = steps_.load(batches, [&] { return next_batch(batches); });
  const std::int64_t step = steps_submitted();
  in_flight_.push_back({session_.schedule.lr(step, state_.plateau), images});
  steps_.submit(in_flight_.back().lr, step + 1);
}

Batch TrainingLoop::next_batch(PairLoader& batches) {
  try {
    return batches.next();
  } catch (...) {
    const auto finish = [this] {
      if (!in_flight_.empty()) finish_steps();
    };
    log_.line(keeper_.save_before_an_error(finish));
    throw;
  }
}

/// Whether the steps in flight must end before the next one is submitted.
bool TrainingLoop::must_finish(bool stop) const {
  const std::int64_t steps = steps_submitted();
  return stop || static_cast<int>(in_flight_.size()) == session_.step_options.max_in_flight ||
         steps == session_.epochs.end_of(session_.epochs.of_step(steps - 1)) || keeper_.is_due_after_step(steps);
}

/// Waits for the steps in flight, and notes each with its share of the time.
void TrainingLoop::finish_steps() {
  const auto note = [&, end = 0.0, took = 0.0, i = std::size_t{0}](const LossValues& losses) mutable {
    if (i == 0) {
      end = seconds();
      took = (end - begin_) / static_cast<double>(in_flight_.size());
    }
    const auto left = static_cast<double>(in_flight_.size() - 1 - i);
    note_step(in_flight_[i++], losses, took, end - left * took);
  };
  steps_.finish(note);
  in_flight_.clear();
}

void TrainingLoop::note_step(const InFlight& step, const LossValues& losses, double took, double end) {
  const std::int64_t number = state_.step++;
  ++state_.epoch_steps;
  state_.epoch_sums[0] += losses.total;
  for (std::size_t i = 0; i < losses.terms.size(); ++i) state_.epoch_sums[i + 1] += losses.terms[i].value;
  log_.step({number, losses, step.lr, step.images, took, end});
}

Scores TrainingLoop::evaluate() {
  const Predictions p = predict(session_.backend, session_.engine.compute, session_.model, *session_.eval_list,
                                session_.predict_options, [this] { return interrupt_.interrupted(); });
  Scores scores{accuracy(p), {}, false};
  const TrainedHeads& heads = session_.heads;
  if (heads.embedding)
    scores.collapsed =
        embedding_spread(p.embeddings, p.dimensions).is_collapsed(distance_asked_for(session_.config.loss));
  if (heads.classifier) return scores;
  const auto dimensions = static_cast<std::size_t>(p.dimensions);
  const bool by_cosine = !heads.embedding || heads.directions;  // as tandem-eval
  const std::vector<float> vectors = by_cosine ? unit_rows(p.embeddings, dimensions) : p.embeddings;
  scores.recall_at_1 = ranking(vectors, p.labels, dimensions).recall_at_1;
  return scores;
}

Scores TrainingLoop::evaluate_average() {
  const Ema::Exchange exchange(*session_.ema);
  return evaluate();
}

/// The epoch goes on when the run is resumed: this evaluation is told, and decides nothing.
void TrainingLoop::evaluate_at_max_time() {
  const bool within_epoch = state_.epoch_steps > 0;  // its end is evaluated anyway
  if (!session_.config.train.evaluate_at_max_time || !session_.eval_list || !within_epoch) return;
  log_.pause();
  try {
    log_.stop(state_.step, evaluate());
  } catch (const PredictionStopped&) {
    log_.line("the evaluation was interrupted");
  }
}

/// Evaluates and logs the epoch that the last step ends, and writes the checkpoints that are due; with `save_anyway`,
/// one in any case. Returns false, the epoch being saved but open, if it is interrupted.
bool TrainingLoop::finish_epoch(bool save_anyway) {
  log_.pause();
  const std::int64_t epoch = session_.epochs.ended_after(state_.step) - 1;
  std::vector<double> means = state_.epoch_sums;
  for (double& mean : means) mean /= static_cast<double>(state_.epoch_steps);
  std::optional<Scores> scores, averaged;
  if (session_.eval_list) {
    log_.line(keeper_.save_steps());
    log_.line(keeper_.finish());  // A kill during the evaluation loses nothing.
    try {
      scores = evaluate();
      if (session_.ema) averaged = evaluate_average();
    } catch (const PredictionStopped&) {
      return false;
    } catch (...) {
      log_.line(keeper_.save_before_an_error([] {}));
      throw;
    }
  }
  EpochRecord record{
      epoch, session_.loss.values(means), session_.schedule.lr(state_.step - 1, state_.plateau), scores, {}, averaged};
  const EpochControl& control = session_.control;
  const bool best = control.end_epoch(figures_in(epoch_figures(record)), state_);
  if (best) record.best = control.best_note(state_);
  log_.epoch(record);
  std::fill(state_.epoch_sums.begin(), state_.epoch_sums.end(), 0.0);
  state_.epoch_steps = 0;
  // The best one is written whenever it is found, also between the epochs that are due. Where nothing says which is
  // better, the latest is the best there is.
  const bool due = keeper_.is_due_after_epoch(epoch) || has_stopped_early();
  if (due || best || save_anyway) log_.line(keeper_.save({.best = best || !control.best(), .numbered = due}));
  ended_ = goes_on_after_epoch_ && !goes_on_after_epoch_();
  return true;
}

}  // namespace tandem
