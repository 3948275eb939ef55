#pragma once
// Elementwise kernels: those under "Elementwise" in core/backend/kernels.h.

#include <cstdint>
#include <span>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// x (n) = value.
void fill(const Queue& queue, float value, std::int64_t n, float* x);
/// to (n) = from (n), each f32, bf16 or f16.
void cast(const Queue& queue, Element from_type, const void* from, std::int64_t n, Element to_type, void* to);
/// to (rows, to_channels) = from (rows, from_channels), converted. Missing channels become 0, surplus ones are dropped.
/// With it a convolution over 3 channels is computed over 4 or 8.
void resize_channels(const Queue& queue, Element from_type, const void* from, std::int64_t rows,
                     std::int64_t from_channels, Element to_type, void* to, std::int64_t to_channels);
/// y (n) = a + b. y may be a or b.
void add(const Queue& queue, Element type, const void* a, const void* b, std::int64_t n, void* y);
/// y (n) = max(x, 0), NaN staying NaN. y may be x.
void relu_forward(const Queue& queue, Element type, const void* x, std::int64_t n, void* y);
/// dx (n) = y > 0 ? dy : 0. dx may be dy.
void relu_backward(const Queue& queue, Element type, const void* y, const void* dy, std::int64_t n, void* dx);
/// out (1) = sum over i of weights[i] * terms[i][0]; terms are at most kMostTerms pointers to device memory; the list
/// itself is host memory and is copied before the call returns. weights (terms.size()).
inline constexpr std::size_t kMostTerms = 64;
void weighted_sum(const Queue& queue, std::span<const float* const> terms, const float* weights, float* out);
/// pixels (count, 3) u8 to y (count, 3): (pixel / 255 - mean[c]) / deviation[c], ImageNet's.
void normalize_images(const Queue& queue, const std::uint8_t* pixels, std::int64_t count, Element type, void* y);

}  // namespace tandem::cuda::kernels
