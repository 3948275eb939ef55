#pragma once
// Packs: eight consecutive elements that a thread loads and stores together. Eight channels are one byte of a batch
// norm's mask. Eight 16-bit elements are one access of 16 bytes, eight f32 are two.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace tandem::cuda::kernels {

inline constexpr int kPack = 8;

/// How many packs a thread loads before it uses the first, when it reads kInputs of them each time: 64 bytes. With
/// that, a thousand threads per multiprocessor hide the latency of the memory.
template <class T, int kInputs>
inline constexpr int kPacksInFlight = 64 / (kInputs * kPack * static_cast<int>(sizeof(T)));

/// Eight elements as they are in memory. They are converted after several loads have been issued.
template <class T>
struct Pack {
  static constexpr int kWords = kPack * static_cast<int>(sizeof(T)) / 4;
  std::uint32_t words[kWords];
};

template <class To, class From>
__device__ __forceinline__ To same_bits(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }

template <class T>
__device__ __forceinline__ T from_float(float x) {
  if constexpr (std::is_same_v<T, float>)
    return x;
  else if constexpr (std::is_same_v<T, __half>)
    return __float2half_rn(x);
  else
    return __float2bfloat16_rn(x);
}

template <class T>
__device__ __forceinline__ void to_floats(const Pack<T>& pack, float (&values)[kPack]) {
  if constexpr (std::is_same_v<T, float>) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) values[i] = same_bits<float>(pack.words[i]);
  } else {
#pragma unroll
    for (int i = 0; i < kPack; i += 2) {
      const std::uint32_t pair = pack.words[i / 2];
      if constexpr (std::is_same_v<T, __half>) {
        const float2 both = __half22float2(same_bits<__half2>(pair));
        values[i] = both.x;
        values[i + 1] = both.y;
      } else {
        // A bf16 is the upper half of the f32.
        values[i] = same_bits<float>(pair << 16);
        values[i + 1] = same_bits<float>(pair & 0xFFFF0000U);
      }
    }
  }
}

template <class T>
__device__ __forceinline__ Pack<T> from_floats(const float (&values)[kPack]) {
  Pack<T> pack;
  if constexpr (std::is_same_v<T, float>) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) pack.words[i] = same_bits<std::uint32_t>(values[i]);
  } else {
#pragma unroll
    for (int i = 0; i < kPack; i += 2) {
      if constexpr (std::is_same_v<T, __half>)
        pack.words[i / 2] = same_bits<std::uint32_t>(__floats2half2_rn(values[i], values[i + 1]));
      else
        pack.words[i / 2] = same_bits<std::uint32_t>(__floats2bfloat162_rn(values[i], values[i + 1]));
    }
  }
  return pack;
}

/// `count` elements from p on, then zeros. With kAligned p must be 16-byte aligned, and a whole pack is loaded in
/// accesses of 16 bytes.
template <bool kAligned, class T>
__device__ __forceinline__ Pack<T> load_pack(const T* p, int count) {
  Pack<T> pack;
  if (kAligned && count == kPack) {
#pragma unroll
    for (int i = 0; i < Pack<T>::kWords; i += 4) {
      const uint4 four = reinterpret_cast<const uint4*>(p)[i / 4];
      pack.words[i] = four.x;
      pack.words[i + 1] = four.y;
      pack.words[i + 2] = four.z;
      pack.words[i + 3] = four.w;
    }
    return pack;
  }
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) pack.words[i] = i < count ? same_bits<std::uint32_t>(p[i]) : 0U;
  } else {
#pragma unroll
    for (int i = 0; i < kPack; i += 2) {
      const std::uint32_t low = i < count ? same_bits<std::uint16_t>(p[i]) : 0U;
      const std::uint32_t high = i + 1 < count ? same_bits<std::uint16_t>(p[i + 1]) : 0U;
      pack.words[i / 2] = low | high << 16;
    }
  }
  return pack;
}

/// Stores the first `count` elements at p; kAligned as for load_pack.
template <bool kAligned, class T>
__device__ __forceinline__ void store_pack(const Pack<T>& pack, T* p, int count) {
  if (kAligned && count == kPack) {
#pragma unroll
    for (int i = 0; i < Pack<T>::kWords; i += 4)
      reinterpret_cast<uint4*>(p)[i / 4] =
          make_uint4(pack.words[i], pack.words[i + 1], pack.words[i + 2], pack.words[i + 3]);
    return;
  }
#pragma unroll
  for (int i = 0; i < kPack; ++i)
    if (i < count) {
      if constexpr (sizeof(T) == 4)
        p[i] = same_bits<T>(pack.words[i]);
      else
        p[i] = same_bits<T>(static_cast<std::uint16_t>(pack.words[i / 2] >> (i % 2 * 16)));
    }
}

}  // namespace tandem::cuda::kernels
