#include "train/precision.h"

namespace tandem {

std::shared_ptr<Backend> open_backend(const std::string& device, const CpuConfig& cpu) {
  const auto open_cpu = [&cpu] { return make_cpu_backend({.autotune = cpu.autotune}); };
  if (device == "auto") return cuda_device_count() > 0 ? make_cuda_backend(0) : open_cpu();
  const Device parsed = Device::parse(device);
  return parsed.kind == DeviceKind::cuda ? make_cuda_backend(parsed.index) : open_cpu();
}

DType compute_type(const Backend& backend, Precision precision) {
  switch (precision) {
    case Precision::automatic:
      return backend.supports(DType::bf16) ? DType::bf16 : DType::f32;
    case Precision::fp32:
      return DType::f32;
    case Precision::fp64:
      if (backend.supports(DType::f64)) return DType::f64;
      break;
    case Precision::bf16:
      if (backend.supports(DType::bf16)) return DType::bf16;
      break;
    case Precision::tf32:
    case Precision::fp16:
      break;
  }
  fail_input("precision: this device ({}) does not compute in {}; use fp32, or auto for the fastest it has",
             backend.description(), to_string(precision));
}

}  // namespace tandem
