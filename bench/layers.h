#pragma once
// Times every op of a training step and compares it with what the machine could do.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/step.h"

namespace tandem {

/// What the machine can do, measured: the fastest of a few large convolutions, and of passes over large memory.
struct Peaks {
  double flop_per_s;
  double bytes_per_s;
};
Peaks measure_peaks(Backend& backend, DType compute);

/// One op on one problem, over a step. The roofline's time is max(flop / peak flop/s, bytes / peak bytes/s).
struct LayerTime {
  std::string kernel, problem;
  int calls;           ///< per step
  double seconds;      ///< per step, all calls together, without the time of empty calls; the median of the steps
  double share;        ///< of all ops' time
  double flop, bytes;  ///< per step
  double of_roofline;  ///< the roofline's time over the time taken
};

struct LayerTable {
  Peaks peaks;
  std::vector<LayerTime> rows;  ///< the longest first
  double step_seconds;          ///< of a step with every op waited for, the time between ops included
  double between_seconds;       ///< of that, the time between ops
};

/// Runs training steps as bench_step does.
LayerTable bench_layers(Backend& backend, DType compute, const StepBenchOptions& options);

/// The rows, then one line for each kernel, as aligned text.
std::string to_text(const LayerTable& table);
nlohmann::ordered_json to_json(const LayerTable& table);

}  // namespace tandem
