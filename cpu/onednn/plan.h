#pragma once
// Which of several ways each convolution is computed: by a fixed rule, or by what was fastest when it was first met.

#include <functional>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/measured_choices.h"

namespace tandem::cpu {

enum class Direction { forward, grad_input, grad_weight, inference };

enum class Method {
  direct,   ///< oneDNN's convolution on NHWC activations
  product,  ///< a matrix product: weight gradient of a 1x1 convolution of stride 1
  winograd  ///< F(4x4, 3x3) on blocked activations (Lavin and Gray 2016): 3x3, stride 1, f32, where oneDNN has it
};

/// What a convolution's speed depends on.
struct ConvolutionProblem {
  Direction direction;
  DType dtype;  ///< of the activations
  Conv2dGeometry geometry;
  Shape x, w;  ///< (N, H, W, C), (K, R, S, C)
  // Of inference, which also adds a bias:
  bool adds = false;  ///< to what the output holds
  bool relu = false;  ///< at the end

  /// "forward f32 16x56x56x64 64x3x3x64 stride 1 padding 1"
  std::string name() const;
};

/// Remembers choices as MeasuredChoices does.
class ConvolutionPlan {
 public:
  /// Seconds that a method takes.
  using Timer = std::function<double(Method)>;

  /// `machine`: all that a choice depends on beside the problem. `file`: its path; empty: no file.
  ConvolutionPlan(std::string machine, std::string file) : choices_(std::move(machine), std::move(file)) {}

  /// The fastest of the methods, measured by `timer` unless it is known.
  Method choose(const ConvolutionProblem& problem, const std::vector<Method>& methods, const Timer& timer);

 private:
  MeasuredChoices choices_;
};

/// The choice without measurements: the same everywhere, so that results are, too.
Method usual_method(const ConvolutionProblem& problem);

/// The processor's name, as /proc/cpuinfo has it.
std::string processor_name();

}  // namespace tandem::cpu
