#pragma once
// Winograd's convolution F(4x4, 3x3) in f32, all three directions: 36 products a tile where the direct sum has 144.
//
//   y  = A' [ sum_c (G w G') (B' d B) ] A                             (Lavin and Gray 2016, equation 8)
//   dw = G' [ sum_tiles (A dy A') (B' d B) ] G,   dx = the forward formula on dy, with w turned by 180 degrees
//
// Everything is f32. Results lie some 1e-6 of the norm from the exact ones, a few times as far as the direct sum's
// (docs/performance.md). Work is cut so that no result depends on the number of threads.

#include "core/backend/backend.h"
#include "cpu/convolution/problem.h"
#include "cpu/threads.h"
#include "cpu/winograd/kernels_f32.h"

namespace tandem::cpu {

class WinogradF32 {
 public:
  /// Temporary memory comes from `arena`; `threads` must outlive this.
  WinogradF32(std::shared_ptr<Arena> arena, Threads& threads);

  /// Whether this processor and these weights (K, 3, 3, C) will do: AVX2, C and K multiples of 64.
  bool supports(const Shape& w) const;

  // x (N, H, W, C), w (K, 3, 3, C), y (N, H, W, K), all f32; stride 1, padding 1.
  void forward(const Tensor& x, const Tensor& w, const AfterSums& after, Tensor& y) const;
  void grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) const;
  void grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw) const;

 private:
  struct Block;
  struct Gradient;

  /// x (N, H, W, C) to y (N, H, W, K) with transformed weights u (K / 64, P, C, 64).
  void convolve(const Tensor& x, const Tensor& u, const AfterSums& after, Tensor& y) const;
  /// Some rows of tiles at a time, each through all three stages by one thread: what lies between stays in its cache.
  void convolve_by_blocks(const Tensor& x, const Tensor& u, const AfterSums& after, Tensor& y) const;
  /// Many rows of tiles at a time, all threads at one stage: for weights that are too large to be read for each block.
  void convolve_by_stages(const Tensor& x, const Tensor& u, const AfterSums& after, Tensor& y) const;
  void transform_row(const Tensor& x, const Block& block, std::int64_t row) const;
  /// Filters [k, k + 64) at position p.
  void multiply_position(const Block& block, const Tensor& u, std::int64_t k, std::int64_t p) const;
  void transform_back(const Block& block, const AfterSums& after, std::int64_t row, std::int64_t k, Tensor& y) const;
  void add_products(const Gradient& z, std::int64_t group, std::int64_t first, std::int64_t p, std::int64_t k) const;
  Tensor transformed_weights(const Tensor& w) const;
  /// Of the weights turned by 180 degrees, the roles of C and K exchanged.
  Tensor transformed_turned_weights(const Tensor& w) const;

  std::shared_ptr<Arena> arena_;
  Threads& threads_;
  const WinogradF32Kernels* kernels_;
};

}  // namespace tandem::cpu
