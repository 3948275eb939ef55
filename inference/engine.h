#pragma once
// The device and the precision that a config or a command line names.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/backend/backend.h"
#include "inference/precision.h"

namespace tandem {

struct EngineOptions {
  std::optional<int> threads = std::nullopt;  ///< CPU: how many compute; absent: as many as the process may use
  bool autotune = false;      ///< CPU: each convolution is computed in the way that proves fastest on this machine
  bool deterministic = true;  ///< CUDA: the same seed gives the same bits
};

/// A device, and the type to compute in on it.
struct Engine {
  std::shared_ptr<Backend> backend;
  DType compute;               ///< the type of activations
  std::string_view precision;  ///< "fp32", "tf32", "bf16", "fp16" or "fp64": what "auto" came to

  bool on_cuda() const { return backend->device().kind == DeviceKind::cuda; }
};

/// "auto" (the first GPU if there is one, else the CPU), "cpu", "cuda" or "cuda:K"; InputError for anything else.
Device device_named(const std::string& text);

/// Opens device_named(device). Precision `automatic` is bf16 where the device has it, else fp32.
/// InputError if there is no such device, or if it does not compute in that precision: nothing is emulated.
Engine open_engine(const std::string& device, Precision precision, const EngineOptions& options = {});

}  // namespace tandem
