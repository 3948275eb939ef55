#pragma once
// Convolutions and matrix products by oneDNN, version 2.6 or 3.x.
//
// Activations are stored NHWC and weights (K, R, S, C) in f32. oneDNN wants weights in blocks and in the activations'
// type, so they are reordered: once for each use in a step, a few MB against a few GFLOP. Primitives are made once for
// each problem and kept. An error of oneDNN's is thrown as Error, naming the problem.
//
// A primitive runs on one thread. A problem is cut into pieces of some images, which the backend's threads take one by
// one (cpu/threads.h): OpenMP's threads, which oneDNN would otherwise start, are never used.

#include <array>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/backend/backend.h"
#include "cpu/convolution/problem.h"
#include "cpu/onednn/weights.h"
#include "cpu/threads.h"

namespace tandem::cpu {

class OneDnn {
 public:
  /// Temporary memory (reordered operands, scratchpads) comes from `arena`; `threads` must outlive this.
  OneDnn(std::shared_ptr<Arena> arena, Threads& threads);

  /// Computes the output of `problem` from its two inputs, in the order of the kernel's arguments; bias (K) for
  /// inference only.
  void convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                Tensor& output);

  /// y (M, N) = a (M, K) b (K, N) [+ bias (N)]; a and b of one type, f32 or bf16, and may be stored transposed; bias,
  /// which may be undefined, and y f32.
  void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias, Tensor& y);

  static std::string version();

 private:
  /// How Tandem stores weights, how oneDNN uses them, and the way between where they differ.
  struct Weights {
    dnnl::memory::desc stored, used;
    bool is_output;                       ///< gradients, which come from oneDNN
    std::vector<dnnl::reorder> reorders;  ///< of some filters each; none where they are the same
    std::optional<WeightLayout> layout;   ///< of weights that we move faster ourselves
  };
  /// The arguments are those that the primitive names, in the order of the kernel's.
  struct Convolution {
    dnnl::primitive primitive;
    std::array<int, 3> arguments;
    dnnl::memory::desc first, second, output;  ///< as the primitive uses them
    dnnl::memory::desc scratchpad;
    Weights weights;
  };
  struct Product {
    dnnl::matmul primitive;
    dnnl::memory::desc a, b, bias, y, scratchpad;
  };
  /// The matrices of a product: whether the factors are stored transposed, the distances between their stored rows.
  struct ProductShape {
    std::int64_t rows, columns, steps;
    bool transpose_a, transpose_b;
    std::int64_t a_stride, b_stride, y_stride;
    DType dtype;
    bool bias;
  };
  using Key = std::array<std::int64_t, 13>;

  const Convolution& convolution(const ConvolutionProblem& problem);
  Convolution make_convolution(const ConvolutionProblem& problem) const;
  Weights make_weights(const ConvolutionProblem& problem, const dnnl::memory::desc& used) const;
  /// Output pieces, each computed whole by one primitive.
  void convolve_pieces(const ConvolutionProblem& problem, const Tensor& a, const Tensor& w, const Tensor& bias,
                       Tensor& output);
  /// A weight gradient: sums of pieces, added in their order.
  void sum_pieces(const ConvolutionProblem& problem, const Tensor& x, const Tensor& dy, Tensor& dw);
  /// w as the primitive uses it: itself, or reordered.
  Tensor used_weights(const Weights& weights, const Shape& shape, const Tensor& w);
  /// From the stored layout to the used one, or back for an output.
  void convert(const Weights& weights, const Shape& shape, const Tensor& stored, const Tensor& used);
  const Product& product(const ProductShape& shape);
  Product make_product(const ProductShape& shape) const;
  dnnl::memory view(const dnnl::memory::desc& desc, const void* data) const;
  Tensor temporary(const dnnl::memory::desc& desc) const;
  /// A scratchpad for each thread, large enough for both.
  Tensor scratchpads(const dnnl::memory::desc& a, const dnnl::memory::desc& b) const;
  void run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments, int thread);

  std::shared_ptr<Arena> arena_;
  Threads& threads_;
  const VectorKernels& kernels_;
  const WeightKernels* weight_kernels_;  ///< null: oneDNN moves all weights
  dnnl::engine engine_;
  std::vector<dnnl::stream> streams_;  ///< one for each thread
  std::map<Key, Convolution> convolutions_;
  std::map<Key, Product> products_;
};

}  // namespace tandem::cpu
