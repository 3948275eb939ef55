#pragma once
// An update of an optimizer, as a step makes it when nothing is scaled or skipped.

#include "layers/initialise.h"
#include "train/optim/optimizer.h"

namespace tandem::test {

/// Update number `t`, counted from 1, of parameters of type `real`.
inline void update(Backend& backend, Optimizer& optimizer, DType real, double lr, std::int64_t t) {
  Tensor scalars = backend.empty({3}, real);
  upload_real(backend, optimizer.scalars(lr, t), scalars);
  optimizer.update({scalars, {}, {}});
}

}  // namespace tandem::test
