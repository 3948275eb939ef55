#include "bench/step.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/rng.h"
#include "layers/freezing.h"
#include "layers/initialise.h"
#include "layers/parameter_pattern.h"

namespace tandem {
namespace {

double peak_resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::vector<std::uint8_t> random_bytes(std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  Random random(1, RandomPurpose::test);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.bits());
  return bytes;
}

Batch random_batch(const StepBenchOptions& options, std::uint32_t classes) {
  Batch batch{0, 2 * options.pairs, options.size, {}, {}};
  batch.pixels =
      random_bytes(static_cast<std::size_t>(3 * batch.images) * static_cast<std::size_t>(batch.size * batch.size));
  batch.labels.resize(static_cast<std::size_t>(batch.images));
  Random random(2, RandomPurpose::test);
  for (auto& label : batch.labels) label = static_cast<std::int32_t>(random.below(classes));
  return batch;
}

TwinTowersOptions towers_of(const std::string& arch) {
  TwinTowersOptions options;
  options.backbone.name = arch;
  return options;
}

GradientClip clip_of(const StepBenchOptions& options) {
  GradientClip clip;
  if (options.clip_norm) clip.norm = *options.clip_norm;
  return clip;
}

StepOptions step_options(const Backend& backend, DType compute, const StepBenchOptions& options) {
  StepOptions steps;
  steps.pairs = options.pairs;
  steps.batches = options.accumulate;
  steps.size = options.size;
  steps.synchronous = backend.device().kind == DeviceKind::cpu;
  steps.max_in_flight = std::max(options.in_flight, 1);
  steps.capture = options.capture;
  if (compute == DType::f16) steps.loss_scaling = LossScaleOptions{};
  return steps;
}

}  // namespace

StepBench::StepBench(Backend& backend, DType compute, const StepBenchOptions& options)
    : model_(backend, param_dtype(compute), towers_of(options.arch)),
      optimizer_(backend, model_, {0.9, false, 1e-4}, {}, clip_of(options)),
      loss_(LossOptions()),
      ema_(options.ema ? std::make_unique<Ema>(backend, model_, EmaOptions{}) : nullptr),
      steps_({backend, compute, true, 2}, model_, optimizer_, loss_, step_options(backend, compute, options),
             {0, kFirstLossScale}, ema_.get()),
      batch_(random_batch(options, static_cast<std::uint32_t>(model_.options().classes))) {
  initialise(backend, model_, 1);
  std::set<std::string> frozen;
  for (const std::string& pattern : options.freeze) {
    const std::vector<std::string> names = parameters_that_fit(model_, pattern);
    if (names.empty())
      fail_input("--freeze {}: fits no parameter, expected a pattern of {}", pattern,
                 known_parameters(model_.parameters()));
    frozen.insert(names.begin(), names.end());
  }
  if (!frozen.empty()) freeze(model_, frozen);
  for (int part = 0; part < options.accumulate; ++part) steps_.load(batch_, part);
}

LossValues StepBench::run(int steps) {
  LossValues last;
  for (int i = 0; i < steps; ++i) steps_.submit(0.01, ++done_);
  steps_.finish([&](const LossValues& values) { last = values; });
  return last;
}

std::vector<double> time_steps(const StepBenchOptions& options, const std::function<void()>& step) {
  for (int i = 0; i < options.warmup; ++i) step();
  std::vector<double> times;
  for (int i = 0; i < options.steps; ++i) {
    const double begin = seconds();
    step();
    times.push_back(seconds() - begin);
  }
  return times;
}

namespace {

nlohmann::ordered_json stats(Backend& backend, const StepBenchOptions& options, const std::vector<double>& times) {
  const double images = 2.0 * options.pairs * options.accumulate, typical = median(times);
  const double arena = static_cast<double>(backend.memory().reserved) / 1048576;
  return {{"device", backend.device().to_string()},
          {"backend", backend.description()},
          {"precision", options.precision},
          {"arch", options.arch},
          {"size", options.size},
          {"pairs", options.pairs},
          {"images_per_s", images / typical},
          {"best_images_per_s", images / *std::min_element(times.begin(), times.end())},
          {"step_s", typical},
          {"peak_mib", std::round(backend.device().kind == DeviceKind::cpu ? peak_resident_mib() : arena)},
          {"arena_mib", std::round(arena)},
          {"tensors_mib", std::round(static_cast<double>(backend.memory().peak_in_use) / 1048576)}};
}

}  // namespace

nlohmann::ordered_json bench_step(Backend& backend, DType compute, const StepBenchOptions& options) {
  StepBench bench(backend, compute, options);
  LossValues losses;
  std::vector<double> times = time_steps(options, [&] { losses = bench.run(options.in_flight); });
  for (double& time : times) time /= options.in_flight;
  nlohmann::ordered_json result = stats(backend, options, times);
  result["accumulate"] = options.accumulate;
  result["ema"] = options.ema;
  result["clip_norm"] = options.clip_norm ? nlohmann::ordered_json(*options.clip_norm) : nlohmann::ordered_json();
  result["loss"] = losses.total;
  if (!options.freeze.empty()) result["frozen"] = options.freeze;
  return result;
}

nlohmann::ordered_json bench_inference(Backend& backend, DType compute, const StepBenchOptions& options) {
  TwinTowers model(backend, param_dtype(compute), towers_of(options.arch));
  initialise(backend, model, 1);
  model.backbone().fold(backend);
  Tensor pixels = backend.empty({2 * options.pairs, options.size, options.size, 3}, DType::u8);
  backend.copy_from_host(random_bytes(pixels.bytes()).data(), pixels);
  Context context{backend, compute};
  const std::vector<double> times = time_steps(options, [&] {
    Tensor images = backend.empty(pixels.shape(), compute);
    backend.normalize_images(pixels, images);
    model.forward(context, images);
    backend.synchronize();
  });
  return stats(backend, options, times);
}

}  // namespace tandem
