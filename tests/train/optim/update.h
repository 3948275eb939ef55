#pragma once
// An update of an optimizer, as a step makes it.

#include "core/backend/host_copy.h"
#include "train/optim/optimizer.h"

namespace tandem::test {

/// Update number `t`, counted from 1, of parameters of type `real`, under a loss scale if one is given.
inline void update(Backend& backend, Optimizer& optimizer, DType real, double lr, std::int64_t t,
                   const Tensor& loss_scale = {}) {
  Tensor norm = backend.empty({1}, real);
  backend.gradient_norm(optimizer.gradients(), norm);
  optimizer.update({real_tensor(backend, real, optimizer.scalars(lr, t)), norm, loss_scale});
}

}  // namespace tandem::test
