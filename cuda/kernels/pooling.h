#pragma once
// Max pooling, means of squares and global average pooling, channels last. A maximum's padding counts as minus
// infinity.

#include <cstdint>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

/// x (N, H, W, C), y (N, P, Q, C); every window of y holds at least one element of x; window at most 15. H and W below
/// 2^31.
struct MaxPoolShape {
  std::int64_t n = 0, h = 0, w = 0, c = 0, p = 0, q = 0;
  int window = 2, stride = 2, padding = 0;
};

/// argmax (N, P, Q, C): the maximum's position in its window, row by row; the first one where several are equal. NaN
/// counts as larger than any number.
void max_pool_forward(const Queue& queue, Element type, const MaxPoolShape& shape, const void* x, void* y,
                      std::uint8_t* argmax);
/// dx (N, H, W, C), overwritten: the sum of dy (N, P, Q, C) over the windows of which it is the maximum.
void max_pool_backward(const Queue& queue, Element type, const MaxPoolShape& shape, const void* dy,
                       const std::uint8_t* argmax, void* dx);

/// x (N, H, W, C) with squares of `side` pixels, side by side.
struct SquaresShape {
  std::int64_t n = 0, h = 0, w = 0, c = 0;
  int side = 2;
};

/// x to the means of its squares, y (N, ceil(H / side), ceil(W / side), C) T; the last ones have what is left.
void average_squares_forward(const Queue& queue, Element type, const SquaresShape& shape, const void* x, void* y);
/// dx, overwritten: each square's dy over the number of its pixels.
void average_squares_backward(const Queue& queue, Element type, const SquaresShape& shape, const void* dy, void* dx);

/// x (N, area, C) T to its mean y (N, C) f32.
void average_pool_forward(const Queue& queue, Element type, std::int64_t images, std::int64_t area,
                          std::int64_t channels, const void* x, float* y);
/// dx (N, area, C) T = dy (N, C) f32 / area.
void average_pool_backward(const Queue& queue, Element type, std::int64_t images, std::int64_t area,
                           std::int64_t channels, const float* dy, void* dx);

}  // namespace tandem::cuda::kernels
