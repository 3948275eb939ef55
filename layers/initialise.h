#pragma once
// Random initial weights. Each layer says how its tensors are drawn (Initial in layers/module.h); this draws them.

#include <cstdint>

#include "layers/module.h"

namespace tandem {

/// Fills every parameter and buffer. A tensor's numbers depend on the seed and its place in the module alone.
void initialise(Backend& backend, Module& module, std::uint64_t seed);

}  // namespace tandem
