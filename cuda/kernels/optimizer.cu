#include "cuda/kernels/optimizer.h"

#include "cuda/kernels/support/update.cuh"

namespace tandem::cuda::kernels {
namespace {

using UpdateBatch = Batch<UpdateTensor>;

struct SgdFactors {
  float momentum;
  bool nesterov;
  const float* ratios;  // null: 1
};

__global__ void __launch_bounds__(kThreads)
    sgd_kernel(const __grid_constant__ UpdateBatch batch, SgdFactors s, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const UpdateTensor& t = batch.tensors[part.tensor];
  const Factors k(scalars, t);
  const float ratio = s.ratios != nullptr ? s.ratios[batch.first + part.tensor] : 1;
  update_elements<false>(t, part, k, [&](float& w, float gradient, float& v, float&) {
    const float g = ratio * (gradient + k.decay * w);
    v = s.momentum * v + g;
    w -= k.lr * (s.nesterov ? g + s.momentum * v : v);
  });
}

/// Rounded to f32 once each: 1 - beta2 in f32 would be off by 1e-5.
struct AdamNumbers {
  float beta1, rest1, beta2, rest2, eps;
  bool decoupled;
};

__global__ void __launch_bounds__(kThreads)
    adam_kernel(const __grid_constant__ UpdateBatch batch, AdamNumbers a, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const UpdateTensor& t = batch.tensors[part.tensor];
  const Factors k(scalars, t);
  update_elements<true>(t, part, k, [&](float& w, float g, float& first, float& second) {
    if (a.decoupled)
      w -= k.lr * k.decay * w;
    else
      g += k.decay * w;
    first = a.beta1 * first + a.rest1 * g;
    second = a.beta2 * second + a.rest2 * g * g;
    w -= k.lr * k.unbias1 * first / (sqrtf(k.unbias2 * second) + a.eps);
  });
}

struct RmsPropNumbers {
  float rest, eps, momentum;
};

__global__ void __launch_bounds__(kThreads)
    rmsprop_kernel(const __grid_constant__ UpdateBatch batch, RmsPropNumbers r, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const UpdateTensor& t = batch.tensors[part.tensor];
  const Factors k(scalars, t);
  update_elements<true>(t, part, k, [&](float& w, float g, float& square, float& v) {
    g += k.decay * w;
    square += r.rest * (g * g - square);
    v = r.momentum * v + k.lr * g / sqrtf(square + r.eps);
    w -= v;
  });
}

template <bool kAligned>
__device__ __forceinline__ void average(const AverageTensor& t, const Part& part, float share) {
  for_each_pack(part, [&](std::int64_t at, int count) {
    float average[kPack], value[kPack];
    load<kAligned>(t.average + at, count, average);
    load<kAligned>(t.value + at, count, value);
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      const float difference = value[i] - average[i];
      // The nearer end is the one that rounding leaves exact.
      average[i] = share < 0.5F ? average[i] + share * difference : value[i] - (1 - share) * difference;
    }
    store<kAligned>(average, t.average + at, count);
  });
}

__global__ void __launch_bounds__(kThreads)
    average_kernel(const __grid_constant__ Batch<AverageTensor> batch, UpdateScalars scalars) {
  if (skips(scalars)) return;
  const Part part(batch);
  const AverageTensor& t = batch.tensors[part.tensor];
  if (aligned_16(t.average, t.value, nullptr, nullptr))
    average<true>(t, part, *scalars.scalars);
  else
    average<false>(t, part, *scalars.scalars);
}

}  // namespace

void sgd_update(const Queue& queue, double momentum, bool nesterov, const UpdateScalars& scalars,
                std::span<const UpdateTensor> tensors, const float* ratios) {
  const SgdFactors factors{static_cast<float>(momentum), nesterov, ratios};
  for_each_batch(tensors, [&](const UpdateBatch& batch) {
    launch(queue, static_cast<unsigned>(batch.chunks()), kThreads, sgd_kernel, batch, factors, scalars);
  });
}

void adam_update(const Queue& queue, const AdamFactors& factors, const UpdateScalars& scalars,
                 std::span<const UpdateTensor> tensors) {
  const AdamNumbers numbers{static_cast<float>(factors.beta1), static_cast<float>(1 - factors.beta1),
                            static_cast<float>(factors.beta2), static_cast<float>(1 - factors.beta2),
                            static_cast<float>(factors.eps),   factors.decoupled};
  for_each_batch(tensors, [&](const UpdateBatch& batch) {
    launch(queue, static_cast<unsigned>(batch.chunks()), kThreads, adam_kernel, batch, numbers, scalars);
  });
}

void rmsprop_update(const Queue& queue, const RmsPropFactors& factors, const UpdateScalars& scalars,
                    std::span<const UpdateTensor> tensors) {
  const RmsPropNumbers numbers{static_cast<float>(1 - factors.alpha), static_cast<float>(factors.eps),
                               static_cast<float>(factors.momentum)};
  for_each_batch(tensors, [&](const UpdateBatch& batch) {
    launch(queue, static_cast<unsigned>(batch.chunks()), kThreads, rmsprop_kernel, batch, numbers, scalars);
  });
}

void average_update(const Queue& queue, const UpdateScalars& scalars, std::span<const AverageTensor> tensors) {
  for_each_batch(tensors, [&](const Batch<AverageTensor>& batch) {
    launch(queue, static_cast<unsigned>(batch.chunks()), kThreads, average_kernel, batch, scalars);
  });
}

}  // namespace tandem::cuda::kernels
