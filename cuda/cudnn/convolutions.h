#pragma once
// The convolution kernels by cuDNN 9.
//
// cuDNN has several engines for each problem, each with settings. The first call of a problem measures which one is the
// fastest, and the choice is remembered in this process and on disk. Weights are f32. For 16-bit activations they are
// converted for each use; cuDNN then gives their gradients in 16 bits, and these are converted back. The three channels
// of an image are fewer than tensor cores load at a time, so such an input is first widened with zeros; one in groups
// is taken as it is.

#include <map>
#include <memory>
#include <string>

#include "core/backend/autotune_cache.h"
#include "cuda/cudnn/engines.h"
#include "cuda/kernels/support/queue.h"
#include "cuda/runtime/stream.h"

namespace tandem::cuda {

class Convolutions {
 public:
  /// Work is queued on `stream`, which must outlive this; temporary memory comes from `arena`. `device`: a name that
  /// devices of one speed share.
  Convolutions(const Stream& stream, const kernels::Queue& queue, std::shared_ptr<Arena> arena,
               const std::string& device, const EngineRules& rules);

  /// The kernels conv2d_forward, conv2d_grad_input and conv2d_grad_weight of core/backend/kernels.h.
  void forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y);
  void grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx);
  void grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw);

  /// While `keeper` is not null, everything that a captured step must keep is added to it, and nothing is measured.
  void capture_into(std::vector<std::shared_ptr<const void>>* keeper) { keeper_ = keeper; }

  /// Whether engines are chosen by their time. A deterministic run does so only if it can write its choices to a file,
  /// where the next run finds them.
  bool measures() const { return measures_; }

  /// The engines chosen so far, by this process or those before it; those adopted are taken where they are offered.
  const AutotuneChoices& choices() const { return choices_.choices(); }
  void adopt(const AutotuneChoices& choices) { choices_.adopt(choices); }

  /// "cuDNN 9.19.0"
  static std::string version();

 private:
  struct Operands {
    void *x, *w, *y;
  };
  using Plan = std::shared_ptr<const EnginePlan>;

  void run(const ConvolutionProblem& problem, const Operands& operands);
  void run(const EnginePlan& plan, const Operands& operands);
  Plan plan_for(const ConvolutionProblem& problem, const Operands& operands);
  Plan choose_plan(const ConvolutionProblem& problem, const std::string& name, const Operands& operands);
  double time(const EnginePlan& plan, const Operands& operands);
  void keep_busy();
  /// x with that many channels, and w (K, R, S, C) with as many as computing takes, in x's type.
  Tensor widened(const Tensor& x, std::int64_t channels);
  Tensor weights(const Tensor& w, DType dtype, std::int64_t channels);
  /// (.., C) to (.., C') of another type: missing channels become 0, surplus ones are dropped.
  void convert(const Tensor& from, Tensor& to);
  /// Of a filter.
  std::int64_t computed_channels(const Conv2dGeometry& geometry, DType dtype, std::int64_t channels) const;

  const Stream& stream_;
  kernels::Queue queue_;
  std::shared_ptr<Arena> arena_;
  EngineRules rules_;
  Handle<cudnnHandle_t, cudnnDestroy> handle_;
  AutotuneCache choices_;
  bool measures_;
  std::map<std::string, Plan> plans_;  // by the problem's name
  Event begin_{true}, end_{true};      // for measuring
  std::vector<std::shared_ptr<const void>>* keeper_ = nullptr;
};

}  // namespace tandem::cuda
