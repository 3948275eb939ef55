#pragma once
// Times training steps on random images.

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "layers/twin_towers.h"
#include "train/train_step.h"

namespace tandem {

struct StepBenchOptions {
  std::string arch = "resnet50";
  int pairs = 8;
  int size = 224;
  int steps = 10;
  int warmup = 3;
};

/// A model, an optimizer and a batch of random images, to run training steps with.
class StepBench {
 public:
  StepBench(Backend& backend, DType compute, const StepBenchOptions& options);

  /// One step over 2 * pairs images, from u8 pixels in the backend's memory to updated weights; waits for it.
  LossValues run();

 private:
  Context context_;
  TwinTowers model_;
  Sgd optimizer_;
  Tensor pixels_, labels_;
};

/// Calls `step` for the warm-up, then returns the seconds that each of options.steps calls takes.
std::vector<double> time_steps(const StepBenchOptions& options, const std::function<void()>& step);
/// Of at least one value.
double median(std::vector<double> values);

/// The same figures for tandem-eval's forward pass, batch norms folded into convolutions: 2 * pairs images at a time,
/// from u8 pixels to logits and embeddings.
nlohmann::ordered_json bench_inference(Backend& backend, DType compute, const StepBenchOptions& options);

/// images_per_s and step_s (medians), best_images_per_s, peak_mib (resident memory of the process), arena_mib, loss,
/// and the options.
nlohmann::ordered_json bench_step(Backend& backend, DType compute, const StepBenchOptions& options);

}  // namespace tandem
