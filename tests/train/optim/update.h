#pragma once
// An update of an optimizer, as a step makes it when nothing is scaled or skipped.

#include "core/backend/host_copy.h"
#include "train/optim/optimizer.h"

namespace tandem::test {

/// Update number `t`, counted from 1, of parameters of type `real`.
inline void update(Backend& backend, Optimizer& optimizer, DType real, double lr, std::int64_t t) {
  optimizer.update({real_tensor(backend, real, optimizer.scalars(lr, t)), {}, {}});
}

}  // namespace tandem::test
