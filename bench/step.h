#pragma once
// Times training steps on random images.

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/timing.h"
#include "layers/twin_towers.h"
#include "train/loop/step_executor.h"

namespace tandem {

struct StepBenchOptions {
  std::string arch = "resnet50";
  int pairs = 8;
  int size = 224;
  int steps = 10;
  int warmup = 3;
  int accumulate = 1;                    ///< batches of `pairs` pairs a step
  bool ema = false;                      ///< steps average the weights
  std::optional<double> clip_norm = {};  ///< the gradients' norm is scaled down to it
  int in_flight = 1;                     ///< steps whose losses are read together
  bool capture = true;                   ///< of StepOptions
  std::string_view precision = "fp32";   ///< its name, for the result
  std::vector<std::string> freeze = {};  ///< patterns of parameters that are not trained (layers/parameter_pattern.h)
};

/// A model, an optimizer and a batch of random images, to run training steps with.
class StepBench {
 public:
  /// InputError for a pattern that fits no parameter.
  StepBench(Backend& backend, DType compute, const StepBenchOptions& options);

  /// Steps over 2 * pairs * accumulate images, from u8 pixels in the backend's memory to updated weights; waits for
  /// them. The losses of the last.
  LossValues run(int steps = 1);

 private:
  TwinTowers model_;
  Sgd optimizer_;
  TrainingLoss loss_;
  std::unique_ptr<Ema> ema_;
  StepExecutor steps_;
  Batch batch_;
  std::int64_t done_ = 0;
};

/// Calls `step` for the warm-up, then returns the seconds that each of options.steps calls takes.
std::vector<double> time_steps(const StepBenchOptions& options, const std::function<void()>& step);

/// The same figures for tandem-eval's forward pass, batch norms folded into convolutions: 2 * pairs images at a time,
/// from u8 pixels to logits and embeddings.
nlohmann::ordered_json bench_inference(Backend& backend, DType compute, const StepBenchOptions& options);

/// images_per_s and step_s (medians), best_images_per_s, peak_mib (resident memory of the process; on CUDA what the
/// arena has taken), arena_mib, tensors_mib (the most that tensors held at once), loss, and the options. On CUDA the
/// time of a step is that of `in_flight` steps divided by their number.
nlohmann::ordered_json bench_step(Backend& backend, DType compute, const StepBenchOptions& options);

}  // namespace tandem
