#include "cpu/reference/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {

void ReferenceBackend::sgd_update(const SgdOptions& options, std::vector<SgdParameter>& parameters) {
  for (SgdParameter& p : parameters)
    for_real("sgd_update", p.weight.dtype(), [&](auto type) {
      using T = decltype(type);
      const T lr = static_cast<T>(options.lr), momentum = static_cast<T>(options.momentum);
      const T decay = static_cast<T>(p.decay ? options.weight_decay : 0.0);
      for (std::int64_t i = 0; i < p.weight.size(); ++i) {
        T &w = p.weight.data<T>()[i], &v = p.velocity.data<T>()[i];
        const T g = p.gradient.data<T>()[i] + decay * w;
        v = momentum * v + g;
        w -= lr * (options.nesterov ? g + momentum * v : v);
      }
    });
}

}  // namespace tandem::cpu
