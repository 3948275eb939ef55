#pragma once
// What the kernels of every update rule share.

#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/support/tensor_lists.cuh"

namespace tandem::cuda::kernels {

__device__ inline bool skips(const UpdateScalars& scalars) {
  return scalars.gradient_norm != nullptr && !isfinite(*scalars.gradient_norm);
}

/// What a thread reads of the scalars for one tensor.
struct Factors {
  float lr, unbias1, unbias2, decay;
  float factor, limit;  // of gradients: the loss's scale and clipping by norm, clipping by value

  __device__ Factors(const UpdateScalars& s, const UpdateTensor& t)
      : lr(s.scalars[0] * t.lr),
        unbias1(s.scalars[1]),
        unbias2(s.scalars[2]),
        decay(t.weight_decay),
        factor(s.loss_scale != nullptr ? 1 / *s.loss_scale : 1),
        limit(s.clip_value) {
    if (isfinite(s.clip_norm)) factor *= fminf(1, s.clip_norm / (*s.gradient_norm * factor + s.clip_eps));
  }
  /// NaN stays NaN.
  __device__ float clipped(float gradient) const {
    const float g = gradient * factor;
    return g < -limit ? -limit : g > limit ? limit : g;
  }
};

template <bool kSecond, bool kAligned, class Body>
__device__ __forceinline__ void update_packs(const UpdateTensor& t, const Part& part, const Factors& k,
                                             const Body& body) {
  for_each_pack(part, [&](std::int64_t at, int count) {
    float w[kPack], g[kPack], first[kPack], second[kPack] = {};
    load<kAligned>(t.weight + at, count, w);
    load<kAligned>(t.gradient + at, count, g);
    load<kAligned>(t.first + at, count, first);
    if constexpr (kSecond) load<kAligned>(t.second + at, count, second);
#pragma unroll
    for (int i = 0; i < kPack; ++i) body(w[i], k.clipped(g[i]), first[i], second[i]);
    store<kAligned>(first, t.first + at, count);
    if constexpr (kSecond) store<kAligned>(second, t.second + at, count);
    store<kAligned>(w, t.weight + at, count);
  });
}

__device__ inline bool is_aligned(const UpdateTensor& t) { return aligned_16(t.weight, t.gradient, t.first, t.second); }

/// body(w, g, first, second) changes all but g, the clipped gradient, of each element of the part. Without kSecond,
/// nothing is kept there.
template <bool kSecond, class Body>
__device__ __forceinline__ void update_elements(const UpdateTensor& t, const Part& part, const Factors& k,
                                                const Body& body) {
  if (is_aligned(t))
    update_packs<kSecond, true>(t, part, k, body);
  else
    update_packs<kSecond, false>(t, part, k, body);
}

}  // namespace tandem::cuda::kernels
