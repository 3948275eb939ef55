#pragma once
// Times training steps on random images.

#include <nlohmann/json.hpp>
#include <string>

#include "core/backend.h"

namespace tandem {

struct StepBenchOptions {
  std::string arch = "resnet50";
  int pairs = 8;
  int size = 224;
  int steps = 10;
  int warmup = 3;
};

/// One step trains 2 * pairs images, from u8 pixels in memory to updated weights. The result has images_per_s and
/// step_s (medians), best_images_per_s, peak_mib (resident memory of the process), arena_mib, loss, and the options.
nlohmann::ordered_json bench_step(Backend& backend, DType compute, const StepBenchOptions& options);

}  // namespace tandem
