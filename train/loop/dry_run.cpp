#include "train/loop/dry_run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "core/base/timing.h"
#include "data/augment/plan.h"
#include "data/list/list_checks.h"
#include "train/control/schedule_plot.h"
#include "train/loop/progress.h"

namespace tandem {
namespace {

constexpr double kLongEnough = 1;  // Seconds of steps, on which the estimate rests.
constexpr std::size_t kFewest = 3, kMost = 20;

/// The median of a few steps like step `first`.
double seconds_of_a_step(Session& session, const RunState& state, std::int64_t first) {
  // The first ones also set things up; on a GPU the third is captured.
  const std::int64_t warm_up = session.engine.on_cuda() ? 3 : 1;
  PairLoader batches = session.make_loader(first, first + warm_up + static_cast<std::int64_t>(kMost));
  StepExecutor steps = session.make_steps(state);
  std::vector<double> took;
  double sum = 0;
  for (std::int64_t i = 0; took.size() < kFewest || (sum < kLongEnough && took.size() < kMost); ++i) {
    const double begin = seconds();
    steps.load(batches);
    // The number stays within the part of the run that is timed.
    steps.submit(session.schedule.lr(first + i, state.plateau), first + 1);
    steps.finish([](const LossValues&) {});
    if (i < warm_up) continue;
    took.push_back(seconds() - begin);
    sum += took.back();
  }
  return median(took);
}

/// The steps that are left from `step` on, and how long they take: timed for each part in which other parameters train.
struct StepTimes {
  std::vector<std::string> of_a_step;
  double all = 0;
};

StepTimes time_steps(Session& session, const RunState& state) {
  const auto& stages = session.freezing.stages();
  StepTimes times;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const std::int64_t first = std::max(state.step, stages[i].first_step),
                       end = i + 1 < stages.size() ? stages[i + 1].first_step : session.epochs.total_steps();
    if (end <= first && i + 1 < stages.size()) continue;
    const double step = seconds_of_a_step(session, state, first);
    times.of_a_step.push_back(fmt::format("{:.2f} s", step));
    times.all += step * static_cast<double>(end - first);
  }
  return times;
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
  const int evaluations = session.ema ? 2 : 1;
  return evaluations * (seconds() - begin) * static_cast<double>(session.eval_list->size()) /
         session.predict_options.batch;
}

/// What a run keeps of its state in the host's memory while it writes it.
CheckpointSnapshot snapshot_of(Session& session, const RunState& state) {
  return {session.backend,
          session.model,
          *session.optimizer,
          {session.config, session.train_list->classes(), state},
          session.ema.get()};
}

std::size_t bytes_in(const std::vector<NamedTensor>& tensors) {
  std::size_t sum = 0;
  for (const NamedTensor& t : tensors) sum += t.tensor().bytes();
  return sum;
}

/// Says so where the run's checkpoints may not fit: last, best, the one that is being written, and those that are kept.
void compare_room(Session& session, std::uintmax_t bytes, std::ostream& out) {
  const CheckpointConfig& options = session.config.checkpoint;
  const int numbered = (session.epochs.count() + options.every_epochs - 1) / options.every_epochs;
  bytes *= static_cast<std::uintmax_t>(3 + std::min(options.keep, numbered));
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
  out << "augmentation: " << augment::describe(session.config.data.augment) << '\n';
  check_decodes(*session.train_list, session.config.data.max_pixels);
  session.check_evaluation();
  out << "every image can be decoded\n" << std::flush;
  out << plot(session.schedule, session.epochs) << std::flush;
  const CheckpointSnapshot snapshot = snapshot_of(session, state);  // held while the steps run, as a run does
  compare_room(session, snapshot.bytes(), out);
  const std::int64_t ended = session.epochs.ended_after(state.step) - (session.epoch_is_open(state) ? 1 : 0);
  const StepTimes times = time_steps(session, state);
  const double evaluation = seconds_of_an_evaluation(session);
  const std::int64_t steps = session.epochs.total_steps() - state.step, epochs = session.epochs.count() - ended;
  const double run = times.all + evaluation * static_cast<double>(epochs);
  out << fmt::format("a step takes {}, ", fmt::join(times.of_a_step, ", later "))
      << (session.eval_list ? fmt::format("an evaluation {}, ", duration_text(evaluation)) : "")
      << fmt::format(
             "the run's {} steps about {} in all; {} MiB of tensors, {} of them the optimizer's state, and {} MiB of "
             "main memory while a "
             "checkpoint is written. Nothing was written.\n",
             steps, duration_text(run), session.backend.memory().peak_in_use >> 20,
             bytes_in(session.optimizer->state()) >> 20, snapshot.bytes() >> 20);
}

void try_batch(Config config, int pairs) {
  config.pairs.batch = pairs;
  config.train.losses_every.reset();
  Session session(config);
  const RunState state = session.first_state();
  const CheckpointSnapshot snapshot = snapshot_of(session, state);  // held while the steps run, as a run does
  StepExecutor steps = session.make_steps(state);
  Batch batch{0, 2 * pairs, session.step_options.size, {}, {}};
  batch.labels.assign(static_cast<std::size_t>(batch.images), 0);
  batch.pixels.assign(batch.labels.size() * static_cast<std::size_t>(3 * batch.size * batch.size), 0);
  for (int part = 0; part < session.step_options.batches; ++part) steps.load(batch, part);
  const std::int64_t before = session.freezing.stages().back().first_step;  // the steps that train the most
  for (std::int64_t t = 1; t <= 3; ++t) {
    steps.submit(0.0, before + t);
    steps.finish([](const LossValues&) {});
  }
  if (session.eval_list) predict_blank(session);
}

}  // namespace tandem
