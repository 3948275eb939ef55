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

Engine open_engine(const std::string& device, Precision precision, const EngineOptions& options) {
  const Device named = device_named(device);
  const bool tf32 = precision == Precision::tf32;
  auto backend = named.kind == DeviceKind::cuda ? make_cuda_backend({named.index, tf32, options.deterministic})
                                                : make_cpu_backend({.autotune = options.autotune});
  if (precision == Precision::automatic)
    precision = computes_in(*backend, Precision::bf16) ? Precision::bf16 : Precision::fp32;
  if (!computes_in(*backend, precision))
    fail_input("precision: this device ({}) does not compute in {}; use fp32, or auto for the fastest it has",
               backend->description(), to_string(precision));
  return {std::move(backend), compute_type(precision), to_string(precision)};
}

}  // namespace tandem
