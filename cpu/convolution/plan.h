#pragma once
// Which of several ways each convolution is computed: by a fixed rule, or by what was fastest when it was first met.

#include <functional>
#include <string>
#include <vector>

#include "core/measured_choices.h"
#include "cpu/convolution/problem.h"

namespace tandem::cpu {

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

/// The processor's name, as /proc/cpuinfo has it.
std::string processor_name();

}  // namespace tandem::cpu
