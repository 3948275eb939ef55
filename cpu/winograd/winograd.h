#pragma once
// Winograd's convolution F(2x2, 3x3) in bf16, all three directions: 16 products a tile where the direct sum has 36.
//
//   y  = A' [ sum_c (G w G') (B' d B) ] A                             (Lavin and Gray 2016, equation 8)
//   dw = G' [ sum_tiles (A dy A') (B' d B) ] G,   dx = the forward formula on dy, with w turned by 180 degrees
//
// Activations are bf16 and transforms are rounded to bf16 once more, sums are f32: outputs are twice as far from the
// exact ones as the direct convolution's in bf16, which rounds weights and results alike; weight gradients, of which
// the direct one rounds nothing, are as far (docs/performance.md).

#include "core/backend/backend.h"
#include "cpu/convolution/problem.h"
#include "cpu/threads.h"
#include "cpu/vector/kernels.h"
#include "cpu/winograd/kernels.h"

namespace tandem::cpu {

class Winograd {
 public:
  /// Temporary memory comes from `arena`; `threads` must outlive this.
  Winograd(std::shared_ptr<Arena> arena, Threads& threads);

  /// Whether this processor and these weights (K, 3, 3, C) will do: C and K multiples of 64.
  bool supports(const Shape& w) const;

  // x (N, H, W, C) bf16, w (K, 3, 3, C) f32, y (N, H, W, K) bf16; stride 1, padding 1.
  /// `after` adds nothing to y.
  void forward(const Tensor& x, const Tensor& w, const AfterSums& after, Tensor& y) const;
  void grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) const;
  void grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw) const;

 private:
  struct Block;
  struct Gradient;

  /// What follows the sums.
  struct Epilogue {
    const float* bias = nullptr;  ///< (K), or null
    bool relu = false;
  };
  /// x (N, H, W, C) to y (N, H, W, K) with transformed weights u (K / 64, P, C / 2, 64, 2).
  void convolve(const Tensor& x, const Tensor& u, const Epilogue& epilogue, Tensor& y) const;
  void transform_block(const Tensor& x, const Block& block, std::int64_t row) const;
  /// Filters [k, k + 64).
  void convolve_block(const Block& block, const Tensor& u, const Epilogue& epilogue, std::int64_t k, Tensor& y) const;
  void transform_row(const Tensor& x, const Tensor& dy, std::int64_t group, std::int64_t first, std::int64_t r,
                     Gradient& z) const;
  void multiply_position(std::int64_t group, std::int64_t first, std::int64_t p, Gradient& z) const;
  Tensor transformed_weights(const Tensor& w) const;
  /// Of the weights turned by 180 degrees, the roles of C and K exchanged.
  Tensor transformed_turned_weights(const Tensor& w) const;

  std::shared_ptr<Arena> arena_;
  Threads& threads_;
  const WinogradKernels* kernels_;
  const WeightKernels* weight_kernels_;
};

}  // namespace tandem::cpu
