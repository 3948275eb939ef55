// Whole tensors after steps of the optimizer as it is shipped, against PyTorch's (bench/peers/torch_fixtures.py
// tensors).

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bench/formula.h"
#include "core/backend/host_copy.h"
#include "io/safetensors.h"
#include "layers/initialise.h"
#include "layers/torch_layout.h"
#include "tests/support/catch.h"
#include "train/loop/step_executor.h"

namespace tandem {
namespace {

using Tensors = std::map<std::string, std::vector<double>>;  // by the reference program's name, in PyTorch's order

constexpr int kPairs = 4, kSize = 32;

Tensors values_of(Backend& backend, Module& module) {
  Tensors tensors;
  for (const NamedTensor& named : module.state()) {
    const std::vector<double> ours = download(backend, named.tensor());
    std::vector<double>& torch = tensors[reference_name(named.name)];
    torch.resize(ours.size());
    for_torch_order(named.tensor().shape(), [&](std::int64_t from, std::int64_t to) {
      torch[static_cast<std::size_t>(to)] = ours[static_cast<std::size_t>(from)];
    });
  }
  return tensors;
}

/// The batch of the fixture: bytes from the formula.
Batch make_batch() {
  Batch batch{0, 2 * kPairs, kSize, {}, {0, 1, 2, 3, 0, 2, 2, 4}};
  for (const char* stream : {"pixels/a", "pixels/b"})
    for (const float u : formula_uniform(stream, kPairs * kSize * kSize * 3))
      batch.pixels.push_back(static_cast<std::uint8_t>((u + 1) * 128));
  return batch;
}

/// The tensors before the first step and after each of `steps`.
std::vector<Tensors> train(const SgdOptions& sgd, Optimizer::Decay decay, int steps) {
  const auto backend = make_reference_backend();
  TwinTowers model(*backend, DType::f64, {{"resnet18"}, 12, {1024, 256}});
  fill_with_formula(*backend, model);
  Sgd optimizer(*backend, model, sgd, {.decay = decay});
  StepOptions options;
  options.pairs = kPairs;
  options.size = kSize;
  const TrainingLoss loss{LossOptions()};
  StepExecutor executor(Context{*backend, DType::f64, true, 2}, model, optimizer, loss, options, {});
  const Batch batch = make_batch();
  std::vector<Tensors> all = {values_of(*backend, model)};
  constexpr double kRates[] = {0.02, 0.04, 0.05};
  for (int step = 1; step <= steps; ++step) {
    executor.submit(batch, kRates[step - 1], step);
    executor.finish([](const auto&) {});
    all.push_back(values_of(*backend, model));
  }
  return all;
}

/// The largest difference of an element from the file's, relative to the largest change of its tensor since the start.
/// Written so that a NaN counts as the largest.
double deviation(const std::vector<Tensors>& ours, int step) {
  static const SafetensorsFile file(std::string(TANDEM_TEST_DATA) + "/bench/fixtures/resnet18_32px_steps.safetensors");
  const std::string prefix = "step" + std::to_string(step) + ".";
  double largest = 0;
  int compared = 0;
  for (const SafetensorsEntry& entry : file.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const std::string name = entry.name.substr(prefix.size());
    CAPTURE(name);
    const std::vector<double>& start = ours[0].at(name);
    const std::vector<double>& got = ours[static_cast<std::size_t>(step)].at(name);
    REQUIRE(entry.dtype == "F64");
    REQUIRE(entry.data.size() == got.size() * sizeof(double));
    std::vector<double> expected(got.size());
    std::memcpy(expected.data(), entry.data.data(), entry.data.size());
    double difference = 0, change = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double d = std::abs(got[i] - expected[i]);
      if (!(d <= difference)) difference = d;
      change = std::max(change, std::abs(expected[i] - start[i]));
    }
    REQUIRE(change > 0);
    if (!(difference / change <= largest)) largest = difference / change;
    ++compared;
  }
  REQUIRE(compared >= 13);
  return largest;
}

// In f64 alone: layer4 sees one pixel of four images here, so rounding in f32 decides some ReLUs, and one of them
// changes a tenth of every gradient behind it.
const SgdOptions kShipped{0.9, true, 5e-4};  // the defaults of the config

TEST_CASE("after three steps of SGD every element of a layer of each kind is PyTorch's in f64") {
  const std::vector<Tensors> ours = train(kShipped, Optimizer::Decay::matrices, 3);
  CHECK(deviation(ours, 1) < 1e-10);
  CHECK(deviation(ours, 3) < 1e-8);
}

TEST_CASE("another optimizer than the shipped one is noticed in single elements") {
  const auto deviates = [](SgdOptions sgd, Optimizer::Decay decay) {
    CHECK(deviation(train(sgd, decay, 1), 1) > 1e-6);
  };
  deviates({0.9, false, 5e-4}, Optimizer::Decay::matrices);
  deviates({0.9, true, 5e-4}, Optimizer::Decay::all);
  deviates({0.9, true, 4e-4}, Optimizer::Decay::matrices);
  deviates({0.89, true, 5e-4}, Optimizer::Decay::matrices);
}

}  // namespace
}  // namespace tandem
