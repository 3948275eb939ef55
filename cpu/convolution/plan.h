#pragma once
// Which of several ways each convolution is computed: by a fixed rule, or by what was fastest when it was first met.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cpu/convolution/problem.h"

namespace tandem::cpu {

/// Remembers choices for as long as it lives, and in a file that grows a line a choice. Lines of other machines (their
/// name is another) and lines that make no sense are passed over.
class ConvolutionPlan {
 public:
  /// Seconds that a method takes.
  using Timer = std::function<double(Method)>;

  /// `machine`: all that a choice depends on beside the problem. `file`: its path; empty: no file.
  ConvolutionPlan(std::string machine, std::string file);

  /// The fastest of the methods, measured by `timer` unless it is known.
  Method choose(const ConvolutionProblem& problem, const std::vector<Method>& methods, const Timer& timer);

 private:
  void read();
  void append(const std::string& problem, Method method) const;

  std::string machine_, file_;
  std::map<std::string, Method> known_;
};

/// Where plans are kept: $TANDEM_CACHE, else $XDG_CACHE_HOME/tandem, else ~/.cache/tandem; empty if none is known.
std::string plan_folder();
/// The processor's name, as /proc/cpuinfo has it.
std::string processor_name();

}  // namespace tandem::cpu
