#include <cmath>

#include "cpu/host/dispatch.h"
#include "cpu/host/host_backend.h"

namespace tandem::cpu {

void HostBackend::fold_batch_norm(double eps, const Tensor& w, const Tensor& gamma, const Tensor& beta,
                                  const Tensor& running_mean, const Tensor& running_var, Tensor& folded_w,
                                  Tensor& folded_b) {
  const KernelScope scope(*this, "fold_batch_norm", [&] { return elements_work({&w, &folded_w}); });
  for_real("fold_batch_norm", w.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t filters = w.dim(0), filter = w.size() / filters;
    threads().for_each(filters, [&](std::int64_t k, int) {
      const T s = gamma.data<T>()[k] / std::sqrt(running_var.data<T>()[k] + static_cast<T>(eps));
      folded_b.data<T>()[k] = beta.data<T>()[k] - s * running_mean.data<T>()[k];
      for (std::int64_t i = k * filter; i < (k + 1) * filter; ++i) folded_w.data<T>()[i] = s * w.data<T>()[i];
    });
  });
}

}  // namespace tandem::cpu
