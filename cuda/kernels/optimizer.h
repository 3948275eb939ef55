#pragma once
// Updates of many tensors in a few launches, the gradients' norm and the loss scale; formulas:
// core/backend/kernel_options.h and core/backend/kernels.h.
//
// The lists of tensors are host memory and are passed as kernel parameters, some dozens of tensors per launch. A
// captured launch has its own copy of them, so only the tensors' memory must outlive the graph. Everything that changes
// from step to step is read from device memory.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// UpdateInputs: pointers to device memory, and how gradients are clipped.
struct UpdateScalars {
  const float* scalars = nullptr;        ///< (3): learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t)
  const float* gradient_norm = nullptr;  ///< (1): where it is not finite, nothing is updated; null: always update
  const float* loss_scale = nullptr;     ///< gradients are divided by its element 0; null: they are not
  float clip_norm = INFINITY;            ///< finite only where there is a gradient_norm
  float clip_eps = 0;
  float clip_value = INFINITY;
};

struct UpdateTensor {
  float* weight = nullptr;
  const float* gradient = nullptr;
  float* first = nullptr;   ///< state 0 of the rule
  float* second = nullptr;  ///< state 1; null where the rule keeps less
  std::int64_t size = 0;
  float weight_decay = 0;  ///< 0 where it does not decay
  float lr = 1;            ///< what its learning rate is multiplied by
};

/// `ratios`, one for each tensor, multiply g + weight_decay * w; null: 1.
void sgd_update(const Queue& queue, double momentum, bool nesterov, const UpdateScalars& scalars,
                std::span<const UpdateTensor> tensors, const float* ratios = nullptr);

struct AdamFactors {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  bool decoupled = false;  ///< AdamW
};
void adam_update(const Queue& queue, const AdamFactors& factors, const UpdateScalars& scalars,
                 std::span<const UpdateTensor> tensors);

struct RmsPropFactors {
  double alpha = 0.9, eps = 1e-10, momentum = 0;
};
void rmsprop_update(const Queue& queue, const RmsPropFactors& factors, const UpdateScalars& scalars,
                    std::span<const UpdateTensor> tensors);

/// Bytes that lars_update and lamb_update work in.
std::size_t trust_workspace(std::span<const UpdateTensor> tensors);

struct LarsFactors {
  double momentum = 0;
  bool nesterov = false;
  double trust = 1e-3, eps = 1e-8;
  bool trust_clip = false, always_adapt = false;
};
void lars_update(const Queue& queue, const LarsFactors& factors, const UpdateScalars& scalars,
                 std::span<const UpdateTensor> tensors, void* workspace);

struct LambFactors {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-6;
  bool trust_clip = false, always_adapt = false;
};
void lamb_update(const Queue& queue, const LambFactors& factors, const UpdateScalars& scalars,
                 std::span<const UpdateTensor> tensors, void* workspace);

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
