// LARS and LAMB: a first pass makes sums of every chunk, a second a ratio of every tensor, a third updates.

#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/support/update.cuh"

namespace tandem::cuda::kernels {
namespace {

using UpdateBatch = Batch<UpdateTensor>;

struct Squares {
  double weight, other;  // the other: of the gradient or of the step
};

/// The block's sums.
__device__ void store_sums(const Squares& own, Squares* sums) {
  const double weight = sum_block(own.weight), other = sum_block(own.other);
  if (threadIdx.x == 0) *sums = {weight, other};
}

__device__ void add_squares(Squares& sums, float w, float x) {
  sums.weight = fma(static_cast<double>(w), static_cast<double>(w), sums.weight);
  sums.other = fma(static_cast<double>(x), static_cast<double>(x), sums.other);
}

// LARS. -------------------------------------------------------------------------------------------------------------

template <bool kAligned>
__device__ __forceinline__ Squares sum_weights_and_gradients(const UpdateTensor& t, const Part& part,
                                                             const Factors& k) {
  Squares sums{};
  for_each_pack(part, [&](std::int64_t at, int count) {
    float w[kPack], g[kPack];
    load<kAligned>(t.weight + at, count, w);
    load<kAligned>(t.gradient + at, count, g);
#pragma unroll
    for (int i = 0; i < kPack; ++i) add_squares(sums, w[i], k.clipped(g[i]));
  });
  return sums;
}

__global__ void __launch_bounds__(kThreads)
    lars_sums_kernel(const __grid_constant__ UpdateBatch batch, UpdateScalars scalars, Squares* sums) {
  if (skips(scalars)) return;
  const Part part(batch);
  const UpdateTensor& t = batch.tensors[part.tensor];
  const Factors k(scalars, t);
  store_sums(is_aligned(t) ? sum_weights_and_gradients<true>(t, part, k) : sum_weights_and_gradients<false>(t, part, k),
             sums + batch.before + blockIdx.x);
}

struct LarsNumbers {
  double trust, eps;
  bool trust_clip, always_adapt;

  __device__ double ratio(const Squares& sums, const Factors& k) const {
    if (k.decay == 0 && !always_adapt) return 1;
    const double w = sqrt(sums.weight), g = sqrt(sums.other);
    const double ratio = w > 0 && g > 0 ? trust * w / (g + k.decay * w + eps) : 1;
    return trust_clip ? fmin(ratio / k.lr, 1.0) : ratio;
  }
};

// LAMB. -------------------------------------------------------------------------------------------------------------

struct LambNumbers {
  float beta1, rest1, beta2, rest2, eps;
  bool trust_clip, always_adapt;

  __device__ float step(const Factors& k, float w, float first, float second) const {
    return k.unbias1 * first / (sqrtf(k.unbias2 * second) + eps) + k.decay * w;
  }
  __device__ double ratio(const Squares& sums, const Factors& k) const {
    if (k.decay == 0 && !always_adapt) return 1;
    const double w = sqrt(sums.weight), u = sqrt(sums.other), ratio = w > 0 && u > 0 ? w / u : 1;
    return trust_clip ? fmin(ratio, 1.0) : ratio;
  }
};

template <bool kAligned>
__device__ __forceinline__ Squares update_moments(const UpdateTensor& t, const Part& part, const Factors& k,
                                                  const LambNumbers& l) {
  Squares sums{};
  for_each_pack(part, [&](std::int64_t at, int count) {
    float w[kPack], g[kPack], first[kPack], second[kPack];
    load<kAligned>(t.weight + at, count, w);
    load<kAligned>(t.gradient + at, count, g);
    load<kAligned>(t.first + at, count, first);
    load<kAligned>(t.second + at, count, second);
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      const float gradient = k.clipped(g[i]);
      first[i] = l.beta1 * first[i] + l.rest1 * gradient;
      second[i] = l.beta2 * second[i] + l.rest2 * gradient * gradient;
      // Beyond the tensor's end everything is 0.
      add_squares(sums, w[i], i < count ? l.step(k, w[i], first[i], second[i]) : 0);
    }
    store<kAligned>(first, t.first + at, count);
    store<kAligned>(second, t.second + at, count);
  });
  return sums;
}

__global__ void __launch_bounds__(kThreads) lamb_moments_kernel(const __grid_constant__ UpdateBatch batch,
                                                                LambNumbers l, UpdateScalars scalars, Squares* sums) {
  if (skips(scalars)) return;
  const Part part(batch);
  const UpdateTensor& t = batch.tensors[part.tensor];
  const Factors k(scalars, t);
  store_sums(is_aligned(t) ? update_moments<true>(t, part, k, l) : update_moments<false>(t, part, k, l),
             sums + batch.before + blockIdx.x);
}

template <bool kAligned>
__device__ __forceinline__ void step_weights(const UpdateTensor& t, const Part& part, const Factors& k,
                                             const LambNumbers& l, float ratio) {
  for_each_pack(part, [&](std::int64_t at, int count) {
    float w[kPack], first[kPack], second[kPack];
    load<kAligned>(t.weight + at, count, w);
    load<kAligned>(t.first + at, count, first);
    load<kAligned>(t.second + at, count, second);
#pragma unroll
    for (int i = 0; i < kPack; ++i) w[i] -= k.lr * ratio * l.step(k, w[i], first[i], second[i]);
    store<kAligned>(w, t.weight + at, count);
  });
}

__global__ void __launch_bounds__(kThreads) lamb_step_kernel(const __grid_constant__ UpdateBatch batch, LambNumbers l,
                                                             UpdateScalars scalars, const float* ratios) {
  if (skips(scalars)) return;
  const Part part(batch);
  const UpdateTensor& t = batch.tensors[part.tensor];
  const Factors k(scalars, t);
  const float ratio = ratios[batch.first + part.tensor];
  if (is_aligned(t))
    step_weights<true>(t, part, k, l, ratio);
  else
    step_weights<false>(t, part, k, l, ratio);
}

// Both. -------------------------------------------------------------------------------------------------------------

/// A block for each tensor of the batch.
template <class Numbers>
__global__ void __launch_bounds__(kThreads) ratios_kernel(const __grid_constant__ UpdateBatch batch, Numbers numbers,
                                                          UpdateScalars scalars, const Squares* sums, float* ratios) {
  if (skips(scalars)) return;
  const int tensor = static_cast<int>(blockIdx.x);
  Squares own{};
  for (std::int64_t i = (tensor > 0 ? batch.behind[tensor - 1] : 0) + threadIdx.x; i < batch.behind[tensor];
       i += kThreads) {
    own.weight += sums[batch.before + i].weight;
    own.other += sums[batch.before + i].other;
  }
  const double weight = sum_block(own.weight), other = sum_block(own.other);
  if (threadIdx.x == 0)
    ratios[batch.first + tensor] =
        static_cast<float>(numbers.ratio({weight, other}, Factors(scalars, batch.tensors[tensor])));
}

/// A trust_workspace(): the sums of every chunk, then the ratio of every tensor.
struct Workspace {
  Squares* sums;
  float* ratios;

  Workspace(void* workspace, std::span<const UpdateTensor> tensors)
      : sums(static_cast<Squares*>(workspace)), ratios(reinterpret_cast<float*>(sums + chunks_of_all(tensors))) {}
};

}  // namespace

std::size_t trust_workspace(std::span<const UpdateTensor> tensors) {
  return static_cast<std::size_t>(chunks_of_all(tensors)) * sizeof(Squares) + tensors.size() * sizeof(float);
}

void lars_update(const Queue& queue, const LarsFactors& factors, const UpdateScalars& scalars,
                 std::span<const UpdateTensor> tensors, void* workspace) {
  const Workspace room(workspace, tensors);
  const LarsNumbers numbers{factors.trust, factors.eps, factors.trust_clip, factors.always_adapt};
  for_each_batch(tensors, [&](const UpdateBatch& batch) {
    launch(queue, static_cast<unsigned>(batch.chunks()), kThreads, lars_sums_kernel, batch, scalars, room.sums);
    launch(queue, static_cast<unsigned>(batch.count), kThreads, ratios_kernel<LarsNumbers>, batch, numbers, scalars,
           room.sums, room.ratios);
  });
  sgd_update(queue, factors.momentum, factors.nesterov, scalars, tensors, room.ratios);
}

void lamb_update(const Queue& queue, const LambFactors& factors, const UpdateScalars& scalars,
                 std::span<const UpdateTensor> tensors, void* workspace) {
  const Workspace room(workspace, tensors);
  const LambNumbers numbers{static_cast<float>(factors.beta1),
                            static_cast<float>(1 - factors.beta1),
                            static_cast<float>(factors.beta2),
                            static_cast<float>(1 - factors.beta2),
                            static_cast<float>(factors.eps),
                            factors.trust_clip,
                            factors.always_adapt};
  for_each_batch(tensors, [&](const UpdateBatch& batch) {
    const auto chunks = static_cast<unsigned>(batch.chunks());
    launch(queue, chunks, kThreads, lamb_moments_kernel, batch, numbers, scalars, room.sums);
    launch(queue, static_cast<unsigned>(batch.count), kThreads, ratios_kernel<LambNumbers>, batch, numbers, scalars,
           room.sums, room.ratios);
    launch(queue, chunks, kThreads, lamb_step_kernel, batch, numbers, scalars, room.ratios);
  });
}

}  // namespace tandem::cuda::kernels
