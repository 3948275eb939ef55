#include "train/control/epoch_control.h"

#include <utility>

#include "core/base/error.h"
#include "train/optim/plateau.h"

namespace tandem {
namespace {

/// As people know it.
std::string name_for_people(const Figure& figure) {
  if (figure.name() == "eval.top1" || figure.name() == "eval_ema.top1") return "top-1";
  if (figure.name() == "eval.recall_at_1" || figure.name() == "eval_ema.recall_at_1") return "recall@1";
  return figure.name();
}

/// What was found so far, unless it was found of another figure or on another list. If something is forgotten, `told`
/// says so; `who` is what counts.
Patience kept(Patience patience, const Figure& figure, bool other_list, const char* who, std::string& told) {
  if (patience.of == figure.text() && !(other_list && figure.is_evaluated())) return patience;
  if (patience.best) told += fmt::format("{} begins to count anew, by the {}\n", who, figure.text());
  return {figure.text(), {}, 0};
}

}  // namespace

EpochControl::EpochControl(const Config& config, const Figures& logged)
    : usual_best_(!config.checkpoint.best.figure && !config.checkpoint.best.mode),
      early_stopping_(config.train.early_stopping.value_or(EarlyStoppingOptions{})),
      schedule_(config.schedule),
      base_lr_(config.optimizer.lr) {
  const std::string usual = usual_figure(logged);
  if (config.data.eval || config.checkpoint.best.figure)
    best_ = choose_figure(config.checkpoint.best, "/checkpoint/best/figure", usual, logged);
  else if (config.checkpoint.best.mode)
    fail_input("/checkpoint/best/mode: there is no evaluation, expected a /checkpoint/best/figure beside it");
  if (config.train.early_stopping)
    stopping_ = choose_figure(early_stopping_.watched, "/train/early_stopping/figure", usual, logged);
  if (schedule_.type == ScheduleOptions::Type::plateau)
    plateau_ = choose_figure(schedule_.watched, "/schedule/figure", usual, logged);
}

void EpochControl::begin(RunState& state) const {
  state.best_of = best_ ? best_->text() : "";
  if (stopping_) state.early_stopping = Patience{stopping_->text(), {}, 0};
  if (plateau_) state.plateau = PlateauState{base_lr_, {plateau_->text(), {}, 0}};
}

std::string EpochControl::go_on(RunState& state, bool other_list) const {
  std::string told;
  // Earlier versions always chose by what is usual, and did not say so.
  const std::string chosen = state.best_of.empty() && usual_best_ && best_ ? best_->text() : state.best_of;
  if (!best_) {
    if (state.best_score) told = "there is no evaluation: the best epoch so far no longer counts\n";
    state.best_score.reset();
  } else if (state.best_score && chosen != best_->text()) {
    told = fmt::format("the best epoch is now that of the {}: the best so far no longer counts\n", best_->text());
    state.best_score.reset();
  } else if (state.best_score && other_list && best_->is_evaluated()) {
    told = fmt::format("the evaluation list has changed: the best {} so far, {:.3f}, no longer counts\n",
                       name_for_people(*best_), *state.best_score);
    state.best_score.reset();
  }
  state.best_of = best_ ? best_->text() : "";
  const Patience before = state.early_stopping.value_or(Patience{});
  state.early_stopping.reset();
  if (stopping_) state.early_stopping = kept(before, *stopping_, other_list, "train.early_stopping", told);
  if (plateau_) {
    if (!state.plateau) state.plateau = PlateauState{base_lr_, {}};
    state.plateau->patience =
        kept(std::move(state.plateau->patience), *plateau_, other_list, "the schedule \"plateau\"", told);
  }
  return told;
}

bool EpochControl::end_epoch(const Figures& figures, RunState& state) const {
  if (plateau_) tandem::end_epoch(schedule_, plateau_->rises(), plateau_->in(figures), *state.plateau);
  if (stopping_) {
    Patience& patience = *state.early_stopping;
    const double value = stopping_->in(figures);
    const bool better = stopping_->is_better(value, patience.best, early_stopping_.min_delta);
    if (better) patience.best = value;
    patience.epochs = better ? 0 : patience.epochs + 1;
  }
  if (!best_ || !best_->is_better(best_->in(figures), state.best_score)) return false;
  state.best_score = best_->in(figures);
  return true;
}

std::string EpochControl::best_note(const RunState& state) const {
  return usual_best_ ? "best" : fmt::format("best {} {:.4f}", name_for_people(*best_), state.best_score.value_or(0));
}

std::string EpochControl::why_stopped(const RunState& state) const {
  if (!stopping_ || state.early_stopping->epochs < early_stopping_.patience) return {};
  const Patience& patience = *state.early_stopping;
  const std::string best = patience.best ? fmt::format("better than {:.6g}", *patience.best) : "a finite number";
  return fmt::format("{} has not been {}{} for {} epoch{} (train.early_stopping)", name_for_people(*stopping_), best,
                     early_stopping_.min_delta > 0 ? fmt::format(" by {:.6g}", early_stopping_.min_delta) : "",
                     patience.epochs, patience.epochs == 1 ? "" : "s");
}

}  // namespace tandem
