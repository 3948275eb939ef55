#include "train/loop/checkpoint_keeper.h"

namespace tandem {

CheckpointKeeper::CheckpointKeeper(Session& session, RunState& state, const StepExecutor& steps, RunFolder& folder)
    : session_(session),
      state_(state),
      steps_(steps),
      folder_(folder),
      options_(session.config.checkpoint),
      saved_step_(state.step) {}

bool CheckpointKeeper::is_due_after_step(std::int64_t steps) const {
  return options_.every_steps && steps % *options_.every_steps == 0;
}

bool CheckpointKeeper::is_due_after_epoch(std::int64_t epoch) const {
  return (epoch + 1) % options_.every_epochs == 0 || epoch + 1 == session_.epochs.count();
}

std::string CheckpointKeeper::save(const Names& names) {
  const StepState on_device = steps_.state();
  if (session_.loss.matches()) state_.matched_weight = on_device.matched_weight;
  if (state_.loss_scale) state_.loss_scale = on_device.loss_scale;
  state_.autotune = session_.backend.autotune_choices();  // evaluations make more, and other shapes
  save_checkpoint(folder_.next(), session_.backend, session_.model, *session_.optimizer,
                  {session_.config, session_.train_list.classes(), state_}, session_.ema.get());
  if (names.best) folder_.mark_best();
  if (names.numbered) folder_.keep_numbered(state_.step);
  folder_.mark_last();
  saved_step_ = state_.step;
  if (!names.numbered) return {};
  const std::string problem = folder_.remove_old(state_.step);
  return problem.empty() ? problem : "warning: " + problem;
}

std::string CheckpointKeeper::save_before_an_error(const std::function<void()>& finish) {
  try {
    finish();
    (void)save_steps();
    if (state_.step == 0) return {};
    return fmt::format("the run so far is in {}, --resume continues it", folder_.last().string());
  } catch (const std::exception& e) {
    return fmt::format("what was done since the last checkpoint is lost: {}", e.what());
  }
}

}  // namespace tandem
