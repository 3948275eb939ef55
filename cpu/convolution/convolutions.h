#pragma once
// The CPU's convolutions, each by one of several methods: oneDNN's, as a matrix product, or Winograd's.

#include <memory>
#include <optional>
#include <vector>

#include "core/backend/autotune_cache.h"
#include "cpu/onednn/onednn.h"
#include "cpu/winograd/winograd.h"
#include "cpu/winograd/winograd_f32.h"

namespace tandem::cpu {

class Convolutions {
 public:
  /// Temporary memory comes from `arena`; `threads` and `onednn` must outlive this. `autotune`: each convolution is
  /// computed the way that is the fastest on this machine, which is measured once and remembered on disk; otherwise the
  /// usual way.
  Convolutions(const std::shared_ptr<Arena>& arena, Threads& threads, OneDnn& onednn, bool autotune);

  /// Computes the output of `problem` from its two inputs, in the order of the kernel's arguments; bias (K) for
  /// inference only.
  void convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                Tensor& output);

  /// Whether methods are chosen by their time.
  bool measures() const { return choices_.has_value(); }
  /// The methods that were measured to be the fastest, and those adopted; empty without autotune.
  AutotuneChoices choices() const { return choices_ ? choices_->choices() : AutotuneChoices(); }
  /// Of AutotuneCache; nothing without autotune.
  void adopt(const AutotuneChoices& choices) {
    if (choices_) choices_->adopt(choices);
  }
  /// Why later processes will not find the choices of this one; empty if they will, and without autotune.
  std::string why_not_kept() const { return choices_ ? choices_->why_not_kept() : ""; }

  /// The methods that can compute it; the first is Method::direct.
  std::vector<Method> methods(const ConvolutionProblem& problem);
  void convolve_by(Method method, const ConvolutionProblem& problem, const Tensor& a, const Tensor& b,
                   const Tensor& bias, Tensor& output);

 private:
  template <class AnyWinograd>
  static void convolve_by_winograd(const AnyWinograd& winograd, const ConvolutionProblem& problem, const Tensor& a,
                                   const Tensor& b, const Tensor& bias, Tensor& output);
  /// A weight gradient as the product of the outputs' gradients and what each of them was a sum of.
  void grad_weight_by_product(const ConvolutionProblem& problem, const Tensor& x, const Tensor& dy, Tensor& dw);
  bool has_winograd(const ConvolutionProblem& problem);
  /// The choice without measurements: a fixed rule, so that results do not depend on what a machine is doing.
  Method usual_method(const ConvolutionProblem& problem);

  std::shared_ptr<Arena> arena_;
  Threads& threads_;
  OneDnn& onednn_;
  Winograd winograd_;
  WinogradF32 winograd_f32_;
  std::optional<AutotuneCache> choices_;  ///< absent: the usual methods
};

}  // namespace tandem::cpu
