#include <algorithm>
#include <cmath>

#include "cpu/host/dispatch.h"
#include "cpu/host/host_backend.h"

namespace tandem::cpu {

void HostBackend::softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                                        Tensor& dlogits) {
  const KernelScope scope(*this, "softmax_cross_entropy", [&] { return elements_work({&logits, &labels, &dlogits}); });
  for_real("softmax_cross_entropy", logits.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t n = logits.dim(0), k = logits.dim(1);
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const T* z = logits.data<T>() + i * k;
      const double top = static_cast<double>(*std::max_element(z, z + k));
      double sum = 0;
      for (std::int64_t j = 0; j < k; ++j) sum += std::exp(static_cast<double>(z[j]) - top);
      for (std::int64_t j = 0; j < k; ++j) {
        const double log_p = static_cast<double>(z[j]) - top - std::log(sum);
        const double target =
            (labels.data<std::int32_t>()[i] == j ? 1 - smoothing : 0.0) + smoothing / static_cast<double>(k);
        if (target != 0) total -= target * log_p;
        dlogits.data<T>()[i * k + j] = static_cast<T>((std::exp(log_p) - target) / static_cast<double>(n));
      }
    }
    loss.data<T>()[0] = static_cast<T>(total / static_cast<double>(n));
  });
}

}  // namespace tandem::cpu
