#include "inference/engine.h"

namespace tandem {
namespace {

/// The type of activations for a precision, which is not `automatic`.
DType compute_type(Precision precision) {
  switch (precision) {
    case Precision::automatic:
      break;
    case Precision::fp32:
    case Precision::tf32:
      return DType::f32;
    case Precision::bf16:
      return DType::bf16;
    case Precision::fp16:
      return DType::f16;
    case Precision::fp64:
      return DType::f64;
  }
  fail("precision: no type for {}", to_string(precision));
}

bool computes_in(const Backend& backend, Precision precision) {
  if (precision == Precision::tf32) return backend.device().kind == DeviceKind::cuda;
  return backend.supports(compute_type(precision));
}

}  // namespace

Device device_named(const std::string& text) {
  if (text == "auto") return {cuda_device_count() > 0 ? DeviceKind::cuda : DeviceKind::cpu, 0};
  const std::optional<Device> device = Device::parse(text);
  if (!device) fail_input(R"(device: got "{}", expected "auto", "cpu", "cuda" or "cuda:<index>")", text);
  return *device;
}

namespace {

std::shared_ptr<Backend> open_backend(const Device& device, Precision precision, const EngineOptions& options) {
  if (device.kind == DeviceKind::cuda)
    return make_cuda_backend({device.index, precision == Precision::tf32, options.deterministic});
  if (precision == Precision::fp64) return make_reference_backend(options.threads);
  return make_cpu_backend({options.threads, options.autotune});
}

}  // namespace

Engine open_engine(const std::string& device, Precision precision, const EngineOptions& options) {
  auto backend = open_backend(device_named(device), precision, options);
  if (precision == Precision::automatic)
    precision = computes_in(*backend, Precision::bf16) ? Precision::bf16 : Precision::fp32;
  if (!computes_in(*backend, precision))
    fail_input("precision: this device ({}) does not compute in {}; use fp32, or auto for the fastest it has",
               backend->description(), to_string(precision));
  return {std::move(backend), compute_type(precision), to_string(precision)};
}

}  // namespace tandem
