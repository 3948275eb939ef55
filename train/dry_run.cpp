// What a run would take, without running it.

#include <algorithm>

#include "train/run.h"

namespace tandem {

void Run::dry_run() {
  report_start();
  check_decodes(train_list_);
  check_evaluation();
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

}  // namespace tandem
