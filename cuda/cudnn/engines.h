#pragma once
// How cuDNN can compute a convolution: engines with their settings, and plans ready to run.

#include <optional>
#include <string>
#include <vector>

#include "cuda/cudnn/convolution_problem.h"

namespace tandem::cuda {

/// Which engines may be used. Engines that sum in less than f32, or that use FFT or Winograd's algorithm, are never
/// used: their errors exceed the rounding of the type.
struct EngineRules {
  bool tf32 = false;  ///< factors of f32 tensors may be rounded to TF32
  bool deterministic = true;
};

/// An engine and its settings for one problem.
struct Engine {
  Descriptor config;
  std::string name;  ///< "38 2=1 13=3": number and settings; it means the same in another process with the same cuDNN
};

/// At most `limit` engines, in the order in which cuDNN expects them to be fast: by its table (mode A), by its model
/// (mode B), and last those that work for most problems.
std::vector<Engine> find_engines(const CudnnTarget& target, const ConvolutionProblem& problem, const Descriptor& graph,
                                 const EngineRules& rules, std::size_t limit);

/// An engine made ready. Plans are never changed, so that a captured step may hold what they launch.
class EnginePlan {
 public:
  /// Empty where the engine turns out not to support the problem on this device.
  static std::optional<EnginePlan> make(const CudnnTarget& target, const Engine& engine);

  std::size_t workspace_bytes() const { return workspace_bytes_; }
  /// Queues it on the handle's stream. The two inputs are not written to.
  void run(cudnnHandle_t handle, void* x, void* w, void* y, void* workspace) const;

 private:
  EnginePlan(Descriptor plan, std::size_t workspace_bytes)
      : plan_(std::move(plan)), workspace_bytes_(workspace_bytes) {}

  Descriptor plan_;
  std::size_t workspace_bytes_;
};

}  // namespace tandem::cuda
