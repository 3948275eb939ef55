#include "train/loop/checkpoint_keeper.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "core/base/timing.h"

namespace tandem {
namespace {

/// Writes a checkpoint and gives it its names, "last" being the last of them. Returns a warning, or nothing.
std::string write(const RunFolder& folder, const CheckpointSnapshot& snapshot, const CheckpointKeeper::Names& names) {
  try {
    snapshot.write(folder.next());
    if (names.best) folder.mark_best();
    if (names.numbered) folder.keep_numbered(snapshot.step());
    folder.mark_last();
  } catch (const Error& e) {
    fail("the checkpoint after step {}: {}", snapshot.step(), e.what());
  }
  if (!names.numbered) return {};
  const std::string problem = folder.remove_old(snapshot.step());
  return problem.empty() ? problem : "warning: " + problem;
}

}  // namespace

CheckpointKeeper::CheckpointKeeper(Session& session, RunState& state, const StepExecutor& steps, RunFolder& folder)
    : session_(session),
      state_(state),
      steps_(steps),
      folder_(folder),
      options_(session.config.checkpoint),
      saved_step_(state.step),
      saved_at_(seconds()) {}

bool CheckpointKeeper::is_due_after_step(std::int64_t steps) const {
  if (options_.every_steps && steps % *options_.every_steps == 0) return true;
  return options_.every_minutes && seconds() - saved_at_ >= 60 * *options_.every_minutes;
}

bool CheckpointKeeper::is_due_after_epoch(std::int64_t epoch) const {
  return (epoch + 1) % options_.every_epochs == 0 || epoch + 1 == session_.epochs.count();
}

std::string CheckpointKeeper::save(const Names& names) {
  std::string warning = finish();  // before another copy takes memory
  const StepState on_device = steps_.state();
  if (session_.loss.matches()) state_.matched_weight = on_device.matched_weight;
  if (state_.loss_scale) state_.loss_scale = on_device.loss_scale;
  state_.autotune = session_.backend.autotune_choices();  // evaluations make more, and other shapes
  CheckpointSnapshot snapshot(session_.backend, session_.model, *session_.optimizer,
                              {session_.config, session_.train_list->classes(), state_}, session_.ema.get());
  saved_step_ = state_.step;
  saved_at_ = seconds();
  try {
    writing_ = std::async(std::launch::async,
                          [this, names, copy = std::move(snapshot)] { return write(folder_, copy, names); });
  } catch (const std::system_error& e) {
    fail("no thread can be had that writes the checkpoint after step {}: {}", state_.step, e.what());
  }
  return warning;
}

std::string CheckpointKeeper::poll() {
  if (!writing_.valid() || writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
  return writing_.get();
}

std::string CheckpointKeeper::finish() { return writing_.valid() ? writing_.get() : std::string(); }

std::string CheckpointKeeper::save_before_an_error(const std::function<void()>& finish_steps) {
  try {
    finish_steps();
    (void)save_steps();
    (void)finish();
    if (state_.step == 0) return {};
    return fmt::format("the run so far is in {}, --resume continues it", folder_.last().string());
  } catch (const std::exception& e) {
    return fmt::format("what was done since the last checkpoint is lost: {}", e.what());
  }
}

}  // namespace tandem
