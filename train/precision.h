#pragma once
// From a config's words to what the engine runs with.

#include <memory>
#include <string>

#include "core/backend.h"
#include "train/config.h"

namespace tandem {

/// "auto": the first GPU if there is one, else the CPU. Otherwise as Device::parse.
std::shared_ptr<Backend> open_backend(const std::string& device, const CpuConfig& cpu = {});

/// The type of activations for a precision; `automatic` is bf16 where the backend has it, else f32. InputError if the
/// backend does not compute in that precision: nothing is emulated.
DType compute_type(const Backend& backend, Precision precision);

}  // namespace tandem
