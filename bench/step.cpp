#include "bench/step.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/rng.h"
#include "layers/initialise.h"
#include "train/train_step.h"

namespace tandem {
namespace {

double peak_resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Tensor random_pixels(Backend& backend, const Shape& shape) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()));
  Random random(1, RandomPurpose::test);
  for (auto& p : pixels) p = static_cast<std::uint8_t>(random.bits());
  Tensor tensor = backend.empty(shape, DType::u8);
  backend.copy_from_host(pixels.data(), tensor);
  return tensor;
}

Tensor random_labels(Backend& backend, std::int64_t n, std::uint32_t classes) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(n));
  Random random(2, RandomPurpose::test);
  for (auto& label : labels) label = static_cast<std::int32_t>(random.below(classes));
  Tensor tensor = backend.empty({n}, DType::i32);
  backend.copy_from_host(labels.data(), tensor);
  return tensor;
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

StepBench::StepBench(Backend& backend, DType compute, const StepBenchOptions& options)
    : context_{backend, compute, true, 2},
      model_(backend, real_type(compute), {options.arch}),
      optimizer_(backend, model_, {0.01, 0.9, false, 1e-4}),
      pixels_(random_pixels(backend, {2 * options.pairs, options.size, options.size, 3})),
      labels_(random_labels(backend, 2 * options.pairs, static_cast<std::uint32_t>(model_.options().classes))) {
  initialise(backend, model_, 1);
}

LossValues StepBench::run() {
  Backend& backend = context_.backend;
  Tensor images = backend.empty(pixels_.shape(), context_.compute);
  backend.normalize_images(pixels_, images);
  const LossValues losses = train_step(context_, model_, images, labels_, {}, optimizer_, 0.01);
  backend.synchronize();
  return losses;
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

nlohmann::ordered_json figures(Backend& backend, DType compute, const StepBenchOptions& options,
                               const std::vector<double>& times) {
  const double images = 2.0 * options.pairs, typical = median(times);
  return {{"device", backend.device().to_string()},
          {"backend", backend.description()},
          {"precision", name_of(compute)},
          {"arch", options.arch},
          {"size", options.size},
          {"pairs", options.pairs},
          {"images_per_s", images / typical},
          {"best_images_per_s", images / *std::min_element(times.begin(), times.end())},
          {"step_s", typical},
          {"peak_mib", std::round(peak_resident_mib())},
          {"arena_mib", std::round(static_cast<double>(backend.memory().reserved) / 1048576)}};
}

}  // namespace

nlohmann::ordered_json bench_step(Backend& backend, DType compute, const StepBenchOptions& options) {
  StepBench bench(backend, compute, options);
  LossValues losses;
  const std::vector<double> times = time_steps(options, [&] { losses = bench.run(); });
  nlohmann::ordered_json result = figures(backend, compute, options, times);
  result["loss"] = losses.total;
  return result;
}

nlohmann::ordered_json bench_inference(Backend& backend, DType compute, const StepBenchOptions& options) {
  TwinTowers model(backend, real_type(compute), {options.arch});
  initialise(backend, model, 1);
  model.trunk().fold(backend);
  const Tensor pixels = random_pixels(backend, {2 * options.pairs, options.size, options.size, 3});
  Context context{backend, compute};
  const std::vector<double> times = time_steps(options, [&] {
    Tensor images = backend.empty(pixels.shape(), compute);
    backend.normalize_images(pixels, images);
    model.forward(context, images);
    backend.synchronize();
  });
  return figures(backend, compute, options, times);
}

}  // namespace tandem
