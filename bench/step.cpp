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

nlohmann::ordered_json bench_step(Backend& backend, DType compute, const StepBenchOptions& options) {
  TwinTowersOptions model_options;
  model_options.arch = options.arch;
  TwinTowers model(backend, real_type(compute), model_options);
  initialise(backend, model, 1);
  Sgd optimizer(backend, model, {0.01, 0.9, false, 1e-4});
  const std::int64_t images = 2 * options.pairs;
  const Tensor pixels = random_pixels(backend, {images, options.size, options.size, 3});
  const Tensor labels = random_labels(backend, images, static_cast<std::uint32_t>(model_options.classes));
  Context context{backend, compute, true, 2};

  std::vector<double> times;
  LossValues losses;
  for (int step = -options.warmup; step < options.steps; ++step) {
    const double begin = seconds();
    Tensor input = backend.empty(pixels.shape(), compute);
    backend.normalize_images(pixels, input);
    losses = train_step(context, model, input, labels, {}, optimizer, 0.01);
    backend.synchronize();
    if (step >= 0) times.push_back(seconds() - begin);
  }
  std::sort(times.begin(), times.end());
  const double median =
      times.size() % 2 ? times[times.size() / 2] : (times[times.size() / 2 - 1] + times[times.size() / 2]) / 2;
  return {{"device", backend.device().to_string()},
          {"backend", backend.description()},
          {"precision", name_of(compute)},
          {"arch", options.arch},
          {"size", options.size},
          {"pairs", options.pairs},
          {"images_per_s", static_cast<double>(images) / median},
          {"best_images_per_s", static_cast<double>(images) / times.front()},
          {"step_s", median},
          {"peak_mib", std::round(peak_resident_mib())},
          {"arena_mib", std::round(static_cast<double>(backend.memory().reserved) / 1048576)},
          {"loss", losses.total}};
}

}  // namespace tandem
