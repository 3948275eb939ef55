#pragma once
// A matrix scaled and shifted channel by channel: what batch norm's forward passes and the ends of convolutions share.

#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// y = [relu]( (x - mean) * scale + shift [+ residual] ) over x (G * rows, C), in G groups of rows.
struct Normalization {
  std::int64_t groups = 1;
  std::int64_t rows = 0;           ///< in a group
  std::int64_t channels = 0;       ///< C
  const void* x = nullptr;         ///< (G * rows, C) T
  const void* residual = nullptr;  ///< (G * rows, C) T, or null: none
  const float* mean = nullptr;     ///< (G, C), or null: mean 0, scale 1
  const float* spread = nullptr;   ///< (G, C): 1 / deviation, or with `variance` the variance
  bool variance = false;
  float eps = 0;                 ///< added to the variance
  const float* gamma = nullptr;  ///< (C): scale = gamma / deviation
  const float* shift = nullptr;  ///< (C)
  bool relu = false;
  void* y = nullptr;             ///< (G * rows, C) T; may be x or residual
  std::uint8_t* mask = nullptr;  ///< (G * rows, ceil(C / 8)), where y > 0; only with relu; may be null
};
void normalize(const Queue& queue, Element type, const Normalization& arguments);

}  // namespace tandem::cuda::kernels
