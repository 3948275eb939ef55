#pragma once
// Updates of many tensors in a few launches, the gradients' norm and the loss scale; formulas:
// core/backend/kernel_options.h and core/backend/kernels.h.
//
// The lists of tensors are host memory and are passed as kernel parameters, some dozens of tensors per launch. A
// captured launch has its own copy of them, so only the tensors' memory must outlive the graph. Everything that changes
// from step to step is read from device memory.

#include <cstddef>
#include <cstdint>
#include <span>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// The scalars of UpdateInputs, in device memory.
struct UpdateScalars {
  const float* scalars = nullptr;        ///< (3): learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t)
  const float* gradient_norm = nullptr;  ///< (1): where it is not finite, nothing is updated; null: always update
  const float* loss_scale = nullptr;     ///< gradients are divided by its element 0; null: they are not
};

struct SgdTensor {
  float* weight = nullptr;
  const float* gradient = nullptr;
  float* velocity = nullptr;
  std::int64_t size = 0;
  double weight_decay = 0;  ///< 0 where it does not decay
};
/// g = gradient / loss scale + weight_decay * w;  v = momentum * v + g;  w = w - lr * (nesterov ? g + momentum * v :
/// v).
void sgd_update(const Queue& queue, double momentum, bool nesterov, const UpdateScalars& scalars,
                std::span<const SgdTensor> tensors);

struct AdamTensor {
  float* weight = nullptr;
  const float* gradient = nullptr;
  float* first = nullptr;
  float* second = nullptr;
  std::int64_t size = 0;
  double weight_decay = 0;  ///< 0 where it does not decay
};
struct AdamFactors {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  bool decoupled = false;  ///< AdamW: w -= lr * weight_decay * w first, instead of g += weight_decay * w
};
/// g = gradient / loss scale [+ weight_decay * w];  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// w = w - lr * (m * c1) / (sqrt(v * c2) + eps), c1 and c2 being scalars 1 and 2. PyTorch's Adam and AdamW.
void adam_update(const Queue& queue, const AdamFactors& factors, const UpdateScalars& scalars,
                 std::span<const AdamTensor> tensors);

struct AverageTensor {
  float* average = nullptr;
  const float* value = nullptr;
  std::int64_t size = 0;
};
/// average = average + scalars[0] * (value - average), and exactly the value at 1.
void average_update(const Queue& queue, const UpdateScalars& scalars, std::span<const AverageTensor> tensors);

struct ConstTensor {
  const float* data = nullptr;
  std::int64_t size = 0;
};
std::size_t gradient_norm_workspace(std::span<const ConstTensor> tensors);
/// norm (1) = sqrt of the sum of all squares, summed in f64; not finite if any element is not (or if it exceeds f32).
void gradient_norm(const Queue& queue, std::span<const ConstTensor> tensors, float* norm, void* workspace);

/// loss_scale (2): scale, steps since it last changed. If the norm is finite, the count grows by one, and at
/// `interval` scale *= growth; otherwise scale = max(1, scale * backoff). Each change resets the count to 0.
void update_loss_scale(const Queue& queue, double growth, double backoff, int interval, const float* gradient_norm,
                       float* loss_scale);

}  // namespace tandem::cuda::kernels
