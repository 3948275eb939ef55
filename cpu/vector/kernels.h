#pragma once
// The vectorised kernels: serial loops over some rows of a matrix (rows, C), written once in cpu/vector/kernels.cpp and
// compiled for each instruction set. The backend cuts the work into pieces, one thread a piece, and combines the sums.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/winograd/kernels_f32.h"

namespace tandem::cpu {

/// What a batch norm's input gradient needs, each (C).
struct BatchNormGradient {
  const float *mean, *scale, *mean_dy, *slope;
};

/// Kernels on activations of type T: float, or std::uint16_t holding bfloat16.
template <class T>
struct ActivationKernels {
  /// shift = the first row; sum = sum of x - shift, squares = sum of (x - shift)^2 over the rows, of which there is at
  /// least one.
  void (*moments)(const T* x, std::int64_t rows, std::int64_t c, float* shift, float* sum, float* squares);
  /// y = [relu]((x - mean) * scale + beta [+ residual]); writes the mask of y > 0 unless it is null. y may be residual.
  /// `large`: the whole y is larger than the caches, so that it need not go through them.
  void (*normalize)(const T* x, const T* residual, const float* mean, const float* scale, const float* beta, bool relu,
                    std::int64_t rows, std::int64_t c, T* y, std::uint8_t* mask, bool large);
  /// With dy' = dy where the mask (unless null) is set: sum_dy = sum of dy', sum_dy_x = sum of dy' * (x - mean).
  void (*backward_sums)(const T* dy, const T* x, const std::uint8_t* mask, const float* mean, std::int64_t rows,
                        std::int64_t c, float* sum_dy, float* sum_dy_x);
  /// dx = scale * (dy' - mean_dy + (x - mean) * slope); dresidual = dy' unless null. dx or dresidual may be dy. `large`
  /// as for normalize.
  void (*backward_apply)(const T* dy, const T* x, const std::uint8_t* mask, const BatchNormGradient& coefficients,
                         std::int64_t rows, std::int64_t c, T* dx, T* dresidual, bool large);
  void (*add)(const T* a, const T* b, std::int64_t n, T* y);
  void (*relu_forward)(const T* x, std::int64_t n, T* y);
  void (*relu_backward)(const T* y, const T* dy, std::int64_t n, T* dx);
  /// One output pixel of max pooling over C channels: taps[i] is the input pixel at window position position[i].
  void (*max_pool)(const T* const* taps, const std::uint8_t* position, int count, std::int64_t c, T* y,
                   std::uint8_t* argmax);
  /// One input pixel's gradient: the sum over the windows that hold it of dy where argmax is its position in them.
  void (*max_pool_backward)(const T* const* dy, const std::uint8_t* const* argmax, const std::uint8_t* position,
                            int count, std::int64_t c, T* dx);
  /// Accumulates the rows' sum.
  void (*sum_rows)(const T* x, std::int64_t rows, std::int64_t c, float* sum);
  /// y = value, in each row.
  void (*broadcast)(const float* value, std::int64_t rows, std::int64_t c, T* y);
  /// y = pixel * scale[i % 3] + shift[i % 3].
  void (*normalize_images)(const std::uint8_t* pixels, const float* scale, const float* shift, std::int64_t n, T* y);
};

struct SgdCoefficients {
  float lr, momentum, weight_decay;
  bool nesterov;
  float factor, limit;  ///< gradients are multiplied by the factor, then held between -limit and limit
};

/// Kernels that move convolution weights into oneDNN's blocks and back. A row is a filter's channels at one tap.
struct WeightKernels {
  /// to[j][i] = from[i][j], 16 x 16, rows `from_stride` and `to_stride` apart.
  void (*transpose)(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride);
  /// The same for pairs of neighbours as bf16: from (16, 32) f32, to (16, 16, 2) bf16, to[j][i] = from[i][2j], [2j +
  /// 1]. Null where the processor has no bf16 instructions, as the next one.
  void (*transpose_pairs)(const float* from, std::int64_t from_stride, std::uint16_t* to, std::int64_t to_stride);
  /// to (16, 2) bf16: to[j] = upper[j], lower[j].
  void (*interleave)(const float* upper, const float* lower, std::uint16_t* to);
};

struct VectorKernels {
  const char* isa;
  ActivationKernels<float> f32;
  ActivationKernels<std::uint16_t> bf16;
  void (*narrow)(const float* x, std::int64_t n, std::uint16_t* y);
  void (*widen)(const std::uint16_t* x, std::int64_t n, float* y);
  void (*sgd)(const SgdCoefficients& coefficients, const float* gradient, std::int64_t n, float* weight,
              float* velocity);
  const WeightKernels* weights;        ///< null below AVX-512, where oneDNN has other blocks
  const WinogradF32Kernels* winograd;  ///< null below AVX2

  /// Whether they are for processors with bf16 instructions.
  bool has_bf16() const { return weights != nullptr && weights->interleave != nullptr; }
};

namespace baseline {
const VectorKernels& kernels();
}
namespace avx2 {
const VectorKernels& kernels();
}
namespace avx512 {
const VectorKernels& kernels();
}
namespace avx512_bf16 {
const VectorKernels& kernels();
}

/// The kernels that this processor can run, the best last.
std::vector<const VectorKernels*> available_kernels();
/// The best kernels for this processor; TANDEM_CPU_ISA=baseline|avx2|avx512|avx512_bf16 asks for others (for tests).
const VectorKernels& vector_kernels();

}  // namespace tandem::cpu
