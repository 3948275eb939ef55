// cuDNN looks for engines and makes plans on a device that is only described, too. So what Tandem asks it for is
// checked on every machine that has the library; nothing is computed.

#include "cuda/cudnn/engines.h"

#include <set>

#include "tests/support/catch.h"

namespace tandem::cuda {
namespace {

// An H100 as cuDNN 9.8 and newer write one down.
constexpr std::string_view kH100 = R"({
  "deviceName": "NVIDIA H100 80GB HBM3", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0, "pciDeviceId": 0,
  "multiProcessorCount": 132, "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "l2CacheSize": 52428800,
  "totalGlobalMem": 85000000000, "warpSize": 32, "maxGridSize": [2147483647, 65535, 65535],
  "maxBlockSize": [1024, 1024, 64], "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "maxCtasPerSM": 32,
  "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152,
  "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024, "isTccDriver": 0,
  "supportCoopLaunch": 1})";

bool can_describe_devices() { return cudnnGetVersion() >= 90800; }

Descriptor h100() {
  Descriptor device(static_cast<cudnnBackendDescriptorType_t>(38));  // CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR
  device.set(static_cast<cudnnBackendAttributeName_t>(2702), std::span<const char>(kH100));  // ..._JSON_REPRESENTATION
  device.finalize();
  return device;
}

/// The engines that can be made ready, in cuDNN's order.
std::vector<std::string> ready_engines(const Descriptor& device, const ConvolutionProblem& problem,
                                       const EngineRules& rules) {
  const CudnnTarget target{nullptr, &device};
  const Descriptor graph = operation_graph(target, problem);
  std::vector<std::string> names;
  for (const Engine& engine : find_engines(target, problem, graph, rules, 16))
    if (EnginePlan::make(target, engine)) names.push_back(engine.name);
  return names;
}

struct Layer {
  std::int64_t size, in, out, window, stride, groups = 1;
};
/// ResNet-50's kinds of convolution, at the sizes of 224x224 images; the first as it is computed, with channels added.
constexpr Layer kResNet50[] = {
    {224, 8, 64, 7, 2},   {56, 64, 64, 1, 1},    {56, 64, 64, 3, 1},   {56, 64, 256, 1, 1},   {56, 256, 64, 1, 1},
    {56, 256, 128, 1, 1}, {56, 128, 128, 3, 2},  {28, 128, 512, 1, 1}, {56, 256, 512, 1, 2},  {28, 512, 128, 1, 1},
    {28, 128, 128, 3, 1}, {28, 512, 256, 1, 1},  {28, 256, 256, 3, 2}, {14, 256, 1024, 1, 1}, {28, 512, 1024, 1, 2},
    {14, 256, 256, 3, 1}, {14, 1024, 512, 1, 1}, {14, 512, 512, 3, 2}, {7, 512, 2048, 1, 1},  {14, 1024, 2048, 1, 2},
    {7, 512, 512, 3, 1},  {7, 2048, 512, 1, 1},
};
/// Sizes that nothing divides.
constexpr Layer kOdd[] = {{7, 5, 7, 3, 1}, {13, 3, 11, 5, 2}, {9, 17, 1, 1, 1}, {3, 1, 1, 3, 1}};

/// The grouped ones of resnext50_32x4d, at the sizes of 224x224 images.
constexpr Layer kResNeXt50[] = {{56, 128, 128, 3, 1, 32}, {56, 256, 256, 3, 2, 32}, {28, 256, 256, 3, 1, 32},
                                {28, 512, 512, 3, 2, 32}, {14, 512, 512, 3, 1, 32}, {14, 1024, 1024, 3, 2, 32},
                                {7, 1024, 1024, 3, 1, 32}};
/// Groups of odd numbers of channels.
constexpr Layer kOddGroups[] = {{7, 10, 6, 3, 1, 2}, {9, 15, 9, 5, 2, 3}, {5, 8, 8, 1, 1, 8}, {6, 64, 48, 3, 1, 4}};

ConvolutionProblem problem_of(const Layer& layer, Direction direction, DType dtype, std::int64_t images) {
  return {direction,
          dtype,
          dtype,
          {layer.stride, layer.window / 2, layer.groups},
          {images, layer.size, layer.size, layer.in},
          {layer.out, layer.window, layer.window, layer.in / layer.groups}};
}

constexpr Direction kDirections[] = {Direction::forward, Direction::grad_input, Direction::grad_weight};

}  // namespace

TEST_CASE("cuDNN has engines for every convolution of ResNet-50 in every precision") {
  if (!can_describe_devices()) TANDEM_SKIP("cuDNN before 9.8 knows no device that is not there");
  const Descriptor device = h100();
  for (const Layer& layer : kResNet50)
    for (const Direction direction : kDirections)
      for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
        const ConvolutionProblem problem = problem_of(layer, direction, dtype, 256);
        CAPTURE(problem.name());
        CHECK(ready_engines(device, problem, {}).size() > 1);
        if (dtype == DType::f32) CHECK(ready_engines(device, problem, {.tf32 = true}).size() > 1);
      }
}

TEST_CASE("cuDNN has engines for odd sizes, few channels and one image") {
  if (!can_describe_devices()) TANDEM_SKIP("cuDNN before 9.8 knows no device that is not there");
  const Descriptor device = h100();
  for (const Layer& layer : kOdd)
    for (const Direction direction : kDirections)
      for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
        for (const std::int64_t images : {1, 3}) {
          const ConvolutionProblem problem = problem_of(layer, direction, dtype, images);
          CAPTURE(problem.name());
          CHECK_FALSE(ready_engines(device, problem, {}).empty());
        }
}

TEST_CASE("cuDNN has engines for convolutions in groups in every precision") {
  if (!can_describe_devices()) TANDEM_SKIP("cuDNN before 9.8 knows no device that is not there");
  const Descriptor device = h100();
  const auto check = [&](const Layer& layer, std::int64_t images) {
    for (const Direction direction : kDirections)
      for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
        const ConvolutionProblem problem = problem_of(layer, direction, dtype, images);
        CAPTURE(problem.name());
        CHECK_FALSE(ready_engines(device, problem, {}).empty());
      }
  };
  for (const Layer& layer : kResNeXt50) check(layer, 256);
  for (const Layer& layer : kOddGroups) check(layer, 3);
}

TEST_CASE("Rules leave engines out, and an engine is named once") {
  if (!can_describe_devices()) TANDEM_SKIP("cuDNN before 9.8 knows no device that is not there");
  const Descriptor device = h100();
  const ConvolutionProblem problem = problem_of(kResNet50[2], Direction::grad_weight, DType::f32, 256);
  const auto exact = ready_engines(device, problem, {});
  const auto tf32 = ready_engines(device, problem, {.tf32 = true});
  const auto any_order = ready_engines(device, problem, {.tf32 = true, .deterministic = false});
  CHECK(exact.size() < tf32.size());
  for (const auto* names : {&exact, &tf32, &any_order})
    CHECK(std::set<std::string>(names->begin(), names->end()).size() == names->size());
  CHECK(any_order != tf32);
}

TEST_CASE("A type that cuDNN does not compute in is refused") {
  if (!can_describe_devices()) TANDEM_SKIP("cuDNN before 9.8 knows no device that is not there");
  const Descriptor device = h100();
  CHECK_THROWS_WITH(ready_engines(device, problem_of(kOdd[0], Direction::forward, DType::f64, 1), {}),
                    "convolution: no kernel for f64");
}

}  // namespace tandem::cuda
