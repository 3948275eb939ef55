#include "inference/engine.h"

namespace tandem {
namespace {

/// The type of activations for a precision.
DType compute_type(const Backend& backend, Precision precision) {
  const bool cuda = backend.device().kind == DeviceKind::cuda;
  const auto has = [&](DType type) { return backend.supports(type); };
  switch (precision) {
    case Precision::automatic:
      return has(DType::bf16) ? DType::bf16 : DType::f32;
    case Precision::fp32:
      return DType::f32;
    case Precision::tf32:
      if (cuda) return DType::f32;
      break;
    case Precision::bf16:
      if (has(DType::bf16)) return DType::bf16;
      break;
    case Precision::fp16:
      if (has(DType::f16)) return DType::f16;
      break;
    case Precision::fp64:
      if (has(DType::f64)) return DType::f64;
      break;
  }
  fail_input("precision: this device ({}) does not compute in {}; use fp32, or auto for the fastest it has",
             backend.description(), to_string(precision));
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
                                                : make_cpu_backend({options.threads, options.autotune});
  const DType compute = compute_type(*backend, precision);
  return {std::move(backend), compute, tf32 ? "tf32" : name_of(compute)};
}

}  // namespace tandem
