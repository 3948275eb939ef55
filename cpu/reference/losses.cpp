// The losses see a few thousand numbers a step: these loops are what the optimised backend runs too.

#include <algorithm>
#include <cmath>

#include "cpu/reference/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {
namespace {

constexpr double kDistanceGuard = 1e-4;  // Caffe's: keeps (a - b) / d finite at d = 0

}  // namespace

void ReferenceBackend::softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                                             Tensor& dlogits) {
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

void ReferenceBackend::contrastive_forward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b,
                                           const Tensor& labels_a, const Tensor& labels_b, Tensor& distance,
                                           Tensor& loss) {
  for_real("contrastive_forward", a.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t pairs = a.dim(0), dims = a.dim(1);
    double total = 0;
    for (std::int64_t i = 0; i < pairs; ++i) {
      double squared = 0;
      for (std::int64_t j = i * dims; j < (i + 1) * dims; ++j) {
        const double difference = static_cast<double>(a.data<T>()[j]) - static_cast<double>(b.data<T>()[j]);
        squared += difference * difference;
      }
      const double d = std::sqrt(squared);
      distance.data<T>()[i] = static_cast<T>(d);
      if (labels_a.data<std::int32_t>()[i] == labels_b.data<std::int32_t>()[i])
        total += squared;
      else if (options.form == ContrastiveForm::legacy)
        total += std::max(options.margin - squared, 0.0);
      else
        total += std::pow(std::max(options.margin - d, 0.0), 2);
    }
    loss.data<T>()[0] = static_cast<T>(total / (2 * static_cast<double>(pairs)));
  });
}

void ReferenceBackend::contrastive_backward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b,
                                            const Tensor& labels_a, const Tensor& labels_b, const Tensor& distance,
                                            const Tensor& dloss, Tensor& da, Tensor& db) {
  for_real("contrastive_backward", a.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t pairs = a.dim(0), dims = a.dim(1);
    for (std::int64_t i = 0; i < pairs; ++i) {
      const double d = static_cast<double>(distance.data<T>()[i]);
      double factor = 0;  // the gradient is factor * (a - b) / P
      if (labels_a.data<std::int32_t>()[i] == labels_b.data<std::int32_t>()[i])
        factor = 1;
      else if (options.form == ContrastiveForm::legacy)
        factor = d * d < options.margin ? -1 : 0;
      else if (d < options.margin)
        factor = -(options.margin - d) / (d + kDistanceGuard);
      factor *= static_cast<double>(dloss.data<T>()[0]) / static_cast<double>(pairs);
      for (std::int64_t j = i * dims; j < (i + 1) * dims; ++j) {
        const double g = factor * (static_cast<double>(a.data<T>()[j]) - static_cast<double>(b.data<T>()[j]));
        da.data<T>()[j] = static_cast<T>(g);
        db.data<T>()[j] = static_cast<T>(-g);
      }
    }
  });
}

}  // namespace tandem::cpu
