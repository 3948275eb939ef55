#include "train/train.h"

#include "inference/out_of_memory.h"
#include "io/atomic_file.h"
#include "train/loop/run.h"

namespace tandem {
namespace {

/// Whether the folder holds a run to go on from. InputError if it does and must not.
bool goes_on(const Config& config, const TrainOptions& options) {
  const std::filesystem::path last = RunFolder::last_in(config.output);
  if (!std::filesystem::exists(last)) return false;
  if (!options.resume)
    fail_input("{}: holds a run already; --resume continues it, --set output=FOLDER starts another", last.string());
  return true;
}

/// Where a run begins: with a checkpoint, or with weights.
void prepare(Run& run, const Config& config, const TrainOptions& options, bool resumes, std::ostream& out) {
  if (resumes) return run.resume(RunFolder::last_in(config.output));
  if (options.resume) out << fmt::format("no checkpoint in {}: starting a new run\n", config.output);
  run.start_from_weights();
}

int start(const Config& config, const TrainOptions& options, std::ostream& out) {
  Run run(config, out);
  const bool resumes = goes_on(config, options);
  check_writable_folder(RunFolder::last_in(config.output).parent_path());
  if (options.dry_run) {
    prepare(run, config, options, resumes, out);
    run.dry_run();
    return 0;
  }
  run.check_evaluation();  // before the folder is made, so that a refusal leaves nothing behind
  RunFolder folder(config.output, config.checkpoint.keep);
  if (folder.has_checkpoint() != resumes) fail_input("{}: another tandem-train writes here", config.output);
  prepare(run, config, options, resumes, out);
  MetricsLog log(folder.metrics());
  if (const int damaged = log.truncate_after(run.steps_done(), run.epoch_is_open()); damaged > 0)
    out << fmt::format("{}: dropped {} damaged line{} (NULs, as after a power cut)\n", folder.metrics().string(),
                       damaged, damaged == 1 ? "" : "s");
  folder.write_config(to_json(config).dump(2) + "\n");
  const InterruptScope interrupt;
  if (!run.train(folder, log, interrupt)) {
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
