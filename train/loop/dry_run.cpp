#include "train/loop/dry_run.h"

#include <filesystem>

#include "core/base/timing.h"
#include "data/list/list_checks.h"
#include "train/loop/progress.h"

namespace tandem {
namespace {

constexpr double kLongEnough = 1;  // Seconds of steps, on which the estimate rests.
constexpr std::size_t kFewest = 3, kMost = 20;

/// The median of a few steps.
double seconds_of_a_step(Session& session, const RunState& state) {
  // The first ones also set things up; on a GPU the third is captured.
  const std::int64_t warm_up = session.engine.on_cuda() ? 3 : 1;
  PairLoader batches = session.make_loader(state.step, state.step + warm_up + static_cast<std::int64_t>(kMost));
  StepExecutor steps = session.make_steps(state);
  std::vector<double> took;
  double sum = 0;
  for (std::int64_t i = 0; took.size() < kFewest || (sum < kLongEnough && took.size() < kMost); ++i) {
    const double begin = seconds();
    Batch batch = batches.next();
    steps.submit(batch, session.schedule.lr(state.step + i), state.step + i + 1);
    steps.finish([](const LossValues&) {});
    batches.recycle(std::move(batch));
    if (i < warm_up) continue;
    took.push_back(seconds() - begin);
    sum += took.back();
  }
  return median(took);
}

void predict_blank(Session& session) {
  const PredictOptions& options = session.predict_options;
  predict_blank(session.backend, session.engine.compute, session.model, options.batch, options.input.size);
}

/// From one blank batch: decoding is taken to keep up.
double seconds_of_an_evaluation(Session& session) {
  if (!session.eval_list) return 0;
  double begin = 0;
  for (int i = 0; i < 2; ++i) {  // the first one also sets things up
    begin = seconds();
    predict_blank(session);
  }
  return (seconds() - begin) * static_cast<double>(session.eval_list->size()) / session.predict_options.batch;
}

/// Says so where the run's checkpoints may not fit: last, best, the one that is being written, and those that are kept.
void compare_room(Session& session, std::ostream& out) {
  std::uintmax_t bytes = 0;
  for (const std::vector<NamedTensor>& tensors : {session.model.state(), session.optimizer->state()})
    for (const NamedTensor& t : tensors) bytes += t.tensor().bytes();
  bytes *= static_cast<std::uintmax_t>(3 + session.config.checkpoint.keep);
  std::filesystem::path folder = std::filesystem::absolute(session.config.output);
  std::error_code error;
  while (!std::filesystem::exists(folder, error) && folder.has_parent_path() && folder != folder.parent_path())
    folder = folder.parent_path();
  const std::filesystem::space_info room = std::filesystem::space(folder, error);
  if (!error && room.available < bytes)
    out << fmt::format("warning: {}: {} MiB are free, and the checkpoints take up to {} MiB\n", session.config.output,
                       room.available >> 20, bytes >> 20);
}

}  // namespace

void dry_run(Session& session, const RunState& state, std::ostream& out) {
  out << session.description() << std::flush;
  check_decodes(session.train_list, session.config.data.max_pixels);
  session.check_evaluation();
  out << "every image can be decoded\n" << std::flush;
  compare_room(session, out);
  const std::int64_t ended = session.epochs.ended_after(state.step) - (session.epoch_is_open(state) ? 1 : 0);
  const double step = seconds_of_a_step(session, state), evaluation = seconds_of_an_evaluation(session);
  const std::int64_t steps = session.epochs.total_steps() - state.step, epochs = session.epochs.count() - ended;
  const double run = step * static_cast<double>(steps) + evaluation * static_cast<double>(epochs);
  out << fmt::format("a step takes {:.2f} s, ", step)
      << (session.eval_list ? fmt::format("an evaluation {}, ", duration_text(evaluation)) : "")
      << fmt::format("the run's {} steps about {} in all; {} MiB of tensors. Nothing was written.\n", steps,
                     duration_text(run), session.backend.memory().peak_in_use >> 20);
}

void try_batch(Config config, int pairs) {
  config.pairs.batch = pairs;
  config.train.losses_every.reset();
  Session session(config);
  StepExecutor steps = session.make_steps(session.first_state());
  Batch batch{0, 2 * pairs, session.step_options.size, {}, {}};
  batch.labels.assign(static_cast<std::size_t>(batch.images), 0);
  batch.pixels.assign(batch.labels.size() * static_cast<std::size_t>(3 * batch.size * batch.size), 0);
  for (std::int64_t t = 1; t <= 3; ++t) {
    steps.submit(batch, 0.0, t);
    steps.finish([](const LossValues&) {});
  }
  if (session.eval_list) predict_blank(session);
}

}  // namespace tandem
