#pragma once
// The CPU's convolutions, each by one of several methods: oneDNN's, as a matrix product, or Winograd's.

#include <memory>
#include <optional>
#include <vector>

#include "core/backend/autotune_cache.h"
#include "cpu/onednn/onednn.h"
#include "cpu/winograd/winograd.h"

namespace tandem::cpu {

class Convolutions {
 public:
  /// Temporary memory comes from `arena`; `onednn` must outlive this. `autotune`: each convolution is computed the way
  /// that is the fastest on this machine, which is measured once and remembered on disk; otherwise the usual way.
  Convolutions(const std::shared_ptr<Arena>& arena, OneDnn& onednn, bool autotune);

  /// Computes the output of `problem` from its two inputs, in the order of the kernel's arguments; bias (K) for
  /// inference only.
  void convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                Tensor& output);

  /// The methods that can compute it; the first is Method::direct.
  std::vector<Method> methods(const ConvolutionProblem& problem);
  void convolve_by(Method method, const ConvolutionProblem& problem, const Tensor& a, const Tensor& b,
                   const Tensor& bias, Tensor& output);

 private:
  bool has_winograd(const ConvolutionProblem& problem);
  /// The choice without measurements: a fixed rule, so that results do not depend on what a machine is doing.
  Method usual_method(const ConvolutionProblem& problem);

  OneDnn& onednn_;
  Winograd winograd_;
  std::optional<AutotuneCache> choices_;  ///< absent: the usual methods
};

}  // namespace tandem::cpu
