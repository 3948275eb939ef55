#include "train/train.h"

#include "inference/out_of_memory.h"
#include "io/atomic_file.h"
#include "train/loop/dry_run.h"
#include "train/loop/run_start.h"
#include "train/loop/training_loop.h"

namespace tandem {
namespace {

/// Whether the folder holds a run to go on from. InputError if it does and must not.
bool goes_on(const std::string& folder, bool resume) {
  const std::filesystem::path last = RunFolder::last_in(folder);
  if (const auto stray = RunFolder::stray_checkpoint_in(folder))
    fail_input(
        "{}: a run's checkpoint, but no last.safetensors beside it to go on from; --set output=FOLDER starts a run",
        stray->string());
  if (!std::filesystem::exists(last)) return false;
  if (!resume)
    fail_input("{}: holds a run already; --resume continues it, --set output=FOLDER starts another", last.string());
  return true;
}

/// How a run ended, for people. Returns the exit status.
int tell_ending(TrainingLoop::Ending ending, const Session& session, const RunState& state, const RunFolder& folder,
                std::ostream& out) {
  const std::string so_far = "the run so far is in " + folder.last().string() + ", --resume ";
  switch (ending) {
    case TrainingLoop::Ending::interrupted:
      if (folder.has_checkpoint())
        out << "interrupted; " << so_far << "continues it\n";
      else
        out << "interrupted before the first step\n";
      return 130;
    case TrainingLoop::Ending::out_of_time:
      out << fmt::format("the time is up after step {} of {}: train.max_time is {}; {}gives it as long again\n",
                         state.step, session.epochs.total_steps(),
                         duration_text(60 * session.config.train.max_time.value_or(0)), so_far);
      return 0;
    case TrainingLoop::Ending::stopped_early:
      out << fmt::format("stopped early after epoch {} of {}: {}\n", session.epochs.ended_after(state.step),
                         session.epochs.count(), session.control.why_stopped(state));
      break;
    case TrainingLoop::Ending::ended:
      return 0;
    case TrainingLoop::Ending::finished:
      break;
  }
  out << "done: " << folder.best().string() << (session.ema ? ", for its averaged weights\n" : "\n");
  return 0;
}

int start(const Config& config, const TrainOptions& options, std::ostream& out) {
  const TimeLimit time_limit(config.train.max_time);
  Session session(config);
  const bool resumes = goes_on(config.output, options.resume);
  const std::filesystem::path last = RunFolder::last_in(config.output);
  const auto begin = [&] {
    if (resumes) return resume(session, last, out);
    if (options.resume) out << fmt::format("no checkpoint in {}: starting a new run\n", config.output);
    return begin_anew(session, out);
  };
  check_writable_folder(last.parent_path());
  if (options.dry_run) {
    dry_run(session, begin(), out);
    return 0;
  }
  session.check_evaluation();  // before the folder is made, so that a refusal leaves nothing behind
  RunFolder folder(config.output, config.checkpoint.keep);
  if (folder.has_checkpoint() != resumes) fail_input("{}: another tandem-train writes here", config.output);
  RunState state = begin();
  MetricsLog metrics(folder.metrics());
  if (const int damaged = metrics.truncate_after(state.step, session.epoch_is_open(state)); damaged > 0)
    out << fmt::format("{}: dropped {} damaged line{} (NULs, as after a power cut)\n", folder.metrics().string(),
                       damaged, damaged == 1 ? "" : "s");
  folder.write_config(to_json(config).dump(2) + "\n");
  const InterruptScope interrupt;
  out << session.description() << std::flush;
  RunLog log(metrics, out, session.epochs);
  TrainingLoop loop(session, std::move(state), folder, log, interrupt, time_limit, options.goes_on_after_epoch);
  const TrainingLoop::Ending ending = loop.run();
  return tell_ending(ending, session, loop.state(), folder, out);
}

}  // namespace

int train(const Config& from, const TrainOptions& options, std::ostream& out) {
  const Config config = with_architecture(from, options.resume, out);
  try {
    return start(config, options, out);
  } catch (const OutOfMemory& e) {
    if (options.resume && std::filesystem::exists(RunFolder::last_in(config.output)))
      fail("{}; a run that is resumed keeps its pairs.batch of {}: give it more memory, or another device", e.what(),
           config.pairs.batch);
    // The session, and with it its memory, is gone by now.
    fail_with_a_batch_that_fits(e, "--set pairs.batch=", config.pairs.batch,
                                [&](int pairs) { try_batch(config, pairs); });
  }
}

}  // namespace tandem
