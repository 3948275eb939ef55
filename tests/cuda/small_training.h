#pragma once
// A small network in training on some backend, on batches made from random numbers.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/backend/host_copy.h"
#include "core/base/rng.h"
#include "layers/initialise.h"
#include "train/loop/step_executor.h"

namespace tandem::test {

class SmallTraining {
 public:
  inline static const StepState kBegin{1.4, kFirstLossScale};

  SmallTraining(Backend& backend, DType compute, bool synchronous, bool adam = false, const StepState& begin = kBegin,
                bool capture = true)
      : backend_(backend), model_(backend, param_dtype(compute), {{"resnet18"}, 4, {16, 8}}) {
    initialise(backend, model_, 1);
    if (adam)
      optimizer_ = std::make_unique<Adam>(backend, model_, AdamOptions{.weight_decay = 1e-4, .decoupled = true});
    else
      optimizer_ = std::make_unique<Sgd>(backend, model_, SgdOptions{0.9, true, 1e-4});
    StepOptions options;
    options.pairs = kPairs;
    options.size = kSize;
    options.synchronous = synchronous;
    options.capture = capture;
    options.max_in_flight = synchronous ? 1 : 4;
    if (compute == DType::f16) options.loss_scaling = LossScaleOptions{};
    steps_ =
        std::make_unique<StepExecutor>(Context{backend, compute, false, 2}, model_, *optimizer_, loss_, options, begin);
  }

  /// The total losses of the next `n` steps.
  std::vector<double> run(int n) {
    std::vector<double> losses;
    const auto note = [&](const LossValues& values) { losses.push_back(values.total); };
    for (int i = 0; i < n; ++i) {
      submit();
      if (++queued_ == steps_per_read()) read(note);
    }
    read(note);
    return losses;
  }
  /// Parameters, running statistics and what the optimizer keeps.
  std::map<std::string, std::vector<double>> weights() {
    std::map<std::string, std::vector<double>> all;
    for (const NamedTensor& p : model_.state()) all[p.name] = download(backend_, p.tensor());
    for (const NamedTensor& p : optimizer_->state()) all["optimizer." + p.name] = download(backend_, p.tensor());
    return all;
  }
  StepExecutor& steps() { return *steps_; }
  TwinTowers& model() { return model_; }
  Optimizer& optimizer() { return *optimizer_; }
  /// Steps made, to go on from there.
  std::int64_t t = 0;

 private:
  static constexpr int kPairs = 8, kSize = 48;

  void submit() {
    Batch batch{t, 2 * kPairs, kSize, std::vector<std::uint8_t>(2 * kPairs * kSize * kSize * 3), {}};
    Random random(7, RandomPurpose::test, static_cast<std::uint32_t>(t % 4));
    for (auto& pixel : batch.pixels) pixel = static_cast<std::uint8_t>(random.bits());
    for (int i = 0; i < batch.images; ++i) batch.labels.push_back(static_cast<std::int32_t>(random.below(4)));
    ++t;
    steps_->submit(batch, 0.002, t);
  }
  int steps_per_read() const { return backend_.device().kind == DeviceKind::cpu ? 1 : 4; }
  template <class Note>
  void read(const Note& note) {
    steps_->finish(note);
    queued_ = 0;
  }

  Backend& backend_;
  TwinTowers model_;
  std::unique_ptr<Optimizer> optimizer_;
  TrainingLoss loss_{LossOptions{.softmax = {}, .contrastive = {.weight = std::nullopt}, .supcon = {}}};
  std::unique_ptr<StepExecutor> steps_;
  int queued_ = 0;
};

}  // namespace tandem::test
