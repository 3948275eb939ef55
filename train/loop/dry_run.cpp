// What a run would take, without running it.

#include "data/list/list_checks.h"
#include "train/loop/run.h"

namespace tandem {
namespace {

constexpr double kLongEnough = 1;  // Seconds of steps, on which the estimate rests.
constexpr std::size_t kFewest = 3, kMost = 20;

}  // namespace

/// The median of a few steps, which train the network on from where it is.
double Run::seconds_of_a_step() {
  // The first ones also set things up; on a GPU the third is captured.
  const std::int64_t warm_up = engine_.on_cuda() ? 3 : 1;
  PairLoader batches = loader(state_.step, state_.step + warm_up + static_cast<std::int64_t>(kMost));
  make_steps();
  std::vector<double> took;
  double sum = 0;
  for (std::int64_t i = 0; took.size() < kFewest || (sum < kLongEnough && took.size() < kMost); ++i) {
    const double begin = seconds();
    Batch batch = batches.next();
    steps_->submit(batch, schedule_.lr(state_.step + i), state_.step + i + 1);
    steps_->finish([](const LossValues&) {});
    batches.recycle(std::move(batch));
    if (i < warm_up) continue;
    took.push_back(seconds() - begin);
    sum += took.back();
  }
  return median(took);
}

/// By one batch, which is blank: the images' decoding is taken to keep up.
double Run::seconds_of_an_evaluation() {
  if (!eval_list_) return 0;
  const PredictOptions options = predict_options();
  double begin = 0;
  for (int i = 0; i < 2; ++i) {  // the first one also sets things up
    begin = seconds();
    predict_blank(backend_, engine_.compute, model_, options.batch, options.image_size);
  }
  return (seconds() - begin) * static_cast<double>(eval_list_->size()) / options.batch;
}

void Run::dry_run() {
  report_start();
  check_decodes(train_list_, config_.data.max_pixels);
  check_evaluation();
  out_ << "every image can be decoded\n" << std::flush;
  const std::int64_t done = state_.step, ended = epochs_ended() - (epoch_is_open() ? 1 : 0);
  const double step = seconds_of_a_step(), evaluation = seconds_of_an_evaluation();
  const std::int64_t steps = total_steps_ - done, epochs = config_.train.epochs - ended;
  const double run = step * static_cast<double>(steps) + evaluation * static_cast<double>(epochs);
  out_ << fmt::format("a step takes {:.2f} s, ", step)
       << (eval_list_ ? fmt::format("an evaluation {}, ", duration_text(evaluation)) : "")
       << fmt::format("the run's {} steps about {} in all; {} MiB of tensors. Nothing was written.\n", steps,
                      duration_text(run), backend_.memory().peak_in_use >> 20);
}

}  // namespace tandem
