#pragma once
// Convolutions and matrix products by oneDNN, version 2.6 or 3.x.
//
// Activations are stored NHWC and weights (K, R, S, C) in f32. oneDNN wants weights in blocks and in the activations'
// type, and for some methods activations in blocks, so operands are reordered where they must be: for weights once for
// each use in a step, a few MB against a few GFLOP. Primitives are made once for each problem and kept. An error of
// oneDNN's is thrown as Error, naming the problem.

#include <array>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/backend/backend.h"
#include "cpu/convolution/problem.h"
#include "cpu/onednn/weights.h"

namespace tandem::cpu {

class OneDnn {
 public:
  /// Temporary memory (reordered operands, scratchpads) comes from `arena`.
  explicit OneDnn(std::shared_ptr<Arena> arena);

  /// Whether oneDNN has a convolution primitive for the problem: by Method::direct always. Only what it has not
  /// implemented counts as no; any other failure throws.
  bool supports(Method method, const ConvolutionProblem& problem) { return convolution(method, problem) != nullptr; }
  /// Computes the output of `problem` from its two inputs, in the order of the kernel's arguments; bias (K) for
  /// inference only. `method` is one that it supports.
  void convolve(Method method, const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                Tensor& output);

  /// y (M, N) = a (M, K) b (K, N) [+ bias (N)]; a and b of one type, f32 or bf16, and may be stored transposed; bias,
  /// which may be undefined, and y f32.
  void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias, Tensor& y);

  static std::string version();

 private:
  /// An argument of a primitive: how Tandem stores it, how oneDNN uses it, and the way between where they differ.
  struct Operand {
    int argument;
    dnnl::memory::desc stored, used;
    dnnl::reorder reorder;               ///< empty where they are the same
    std::optional<WeightLayout> layout;  ///< of weights that we move faster ourselves
  };
  struct Convolution {
    dnnl::primitive primitive;
    std::array<Operand, 2> inputs;
    Operand output;
    dnnl::memory::desc scratchpad;
  };
  struct Product {
    dnnl::matmul primitive;
    dnnl::memory::desc a, b, bias, y, scratchpad;
  };
  using Key = std::array<std::int64_t, 12>;

  /// Null where oneDNN cannot do it by this method.
  const Convolution* convolution(Method method, const ConvolutionProblem& problem);
  Convolution make_convolution(Method method, const ConvolutionProblem& problem) const;
  /// From the stored layout to the used one, or back for an output.
  void convert(const Operand& operand, const Shape& w, const Tensor& stored, const Tensor& used, bool is_output);
  Operand make_operand(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& used, bool is_output,
                       const Shape& w) const;
  Product make_product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, bool bias,
                       const Tensor& y) const;
  dnnl::memory view(const dnnl::memory::desc& desc, const Tensor& tensor) const;
  Tensor temporary(const dnnl::memory::desc& desc) const;
  /// Runs it with a scratchpad from the arena, of undefined content unless `clear_scratchpad`.
  void run(const dnnl::primitive& primitive, std::unordered_map<int, dnnl::memory> arguments,
           const dnnl::memory::desc& scratchpad, bool clear_scratchpad = false);

  std::shared_ptr<Arena> arena_;
  const WeightKernels* weight_kernels_;  ///< null: oneDNN moves all weights
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<Key, std::optional<Convolution>> convolutions_;
  std::map<Key, Product> products_;
};

}  // namespace tandem::cpu
