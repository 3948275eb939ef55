#pragma once
// Training steps as a run makes them: forward, loss, backward, update. They are queued on the device, their losses are
// read together, and where the device can, a step is captured, so that the host only hands over batches.
//
// A step over k batches runs forward and backward on one after the other, adds up their gradients, each times 1 / k,
// and updates once. Every batch has its own losses and its own batch statistics; the step's losses are the means.
//
// How a step that goes wrong is kept from the weights:
//   synchronous       the loss is read between forward and backward, the gradients' norm between backward and update;
//                     if one is not finite, submit() throws.
//   not synchronous   the device does not update where the gradients' norm is not finite; finish() throws for the first
//                     step whose loss is not. A gradient that is not finite although its loss is throws too, except
//                     under a loss scale, which falls because of it.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/error.h"
#include "data/loader/loader.h"
#include "layers/drop.h"
#include "layers/losses/training_loss.h"
#include "train/optim/ema.h"
#include "train/optim/optimizer.h"

namespace tandem {

/// A loss or a gradient that is not a finite number.
class NotFinite : public Error {
 public:
  using Error::Error;
};

struct StepOptions {
  int pairs = 0, size = 0;  ///< of a batch: N, and height and width
  int batches = 1;          ///< of a step: k, at most 64
  bool synchronous = true;  ///< read the losses of each step before its backward pass; otherwise finish() reads them
  int max_in_flight = 1;    ///< steps between one finish() and the next
  bool capture = true;      ///< the third step and those after it as one launch, where the device can
  std::optional<LossScaleOptions> loss_scaling;
  bool mixes = false;      ///< batches may have two labels for an image
  DropOptions drop = {};   ///< random regularisation of the steps
  std::uint64_t seed = 0;  ///< of its random numbers, which also depend on the batch's step
  /// Called before a step is queued, with its number `t`. Returns whether what the step does is no longer what the step
  /// before did, as when other parameters are trained from here on: then it is captured anew. Empty: it never is.
  std::function<bool(std::int64_t t)> before_step = {};
  /// Makes images (2N, H, W, 3) T from pixels (2N, H, W, 3) u8. Empty: Backend::normalize_images.
  std::function<void(const Tensor& pixels, Tensor& images)> normalize;
};

/// What steps carry over to the next one on the device.
struct StepState {
  double matched_weight = 0;           ///< the loss weight "match_softmax"
  std::array<double, 2> loss_scale{};  ///< of UpdateInputs; used with loss_scaling
};

/// The loss scale that a run begins with: PyTorch's.
inline constexpr std::array<double, 2> kFirstLossScale{65536, 0};

class StepExecutor {
 public:
  /// Context: device, type and groups. Model, optimizer, loss and `ema` must outlive this. `ema`, if there is one,
  /// takes the weights in after every update.
  StepExecutor(const Context& context, TwinTowers& model, Optimizer& optimizer, const TrainingLoss& loss,
               const StepOptions& options, const StepState& state, Ema* ema = nullptr);
  StepExecutor(const StepExecutor&) = delete;
  StepExecutor& operator=(const StepExecutor&) = delete;

  /// Hands over batch number `part`, from 0, of the next step. The batch may be reused as soon as this returns.
  void load(const Batch& batch, int part = 0);
  /// Hands over every batch of the next step, each from `next`; `loader` takes them back. Returns how many images they
  /// have.
  int load(PairLoader& loader, const std::function<Batch()>& next);
  int load(PairLoader& loader) {
    return load(loader, [&] { return loader.next(); });
  }
  /// Queues step number `t`, counted from 1, on the batches that were loaded last.
  void submit(double lr, std::int64_t t);
  /// load(), then submit(), for steps of one batch.
  void submit(const Batch& batch, double lr, std::int64_t t);
  /// Waits for the steps submitted since the last call, and calls body with the losses of each in order. Throws Error
  /// instead for the first that went wrong.
  void finish(const std::function<void(const LossValues&)>& body);
  /// After finish().
  StepState state() const;
  /// Whether steps are replayed by now.
  bool captured() const { return captured_ != nullptr; }

 private:
  /// A batch on its way to the device.
  struct Input {
    std::unique_ptr<Uploader> pixels_up, labels_up;
    Tensor pixels, labels;
    std::unique_ptr<Uploader> others_up, shares_up;  // null, as the tensors are undefined, where nothing is mixed
    MixedLabels mixed;
    std::unique_ptr<StepDrop> drop;  // null where nothing is dropped
  };

  void load_mixture(const Batch& batch, Input& input);
  void run();
  TrainingLoss::Output forward(const Input& input, Tape& tape);
  TrainingLoss::Output run_backward(const Input& input);
  TrainingLoss::Output mean(const std::vector<TrainingLoss::Output>& losses);
  LossValues read(const TrainingLoss::Output& losses) const;
  void write_stats(const TrainingLoss::Output& losses);
  std::int64_t stats_per_step() const { return 1 + static_cast<std::int64_t>(loss_.terms().size()) + 2; }

  Context context_;
  Backend& backend_;
  TwinTowers& model_;
  Optimizer& optimizer_;
  const TrainingLoss& loss_;
  StepOptions options_;
  LossWeights weights_;
  Ema* ema_;
  std::unique_ptr<Uploader> scalars_up_;
  std::unique_ptr<Downloader> stats_down_;
  // What a captured step reads and writes.
  std::vector<Input> inputs_;  // of the k batches
  Tensor scalars_;             // the optimizer's, then the average's share
  Tensor shares_;              // (k), each 1 / k; undefined for one batch
  Tensor norm_, loss_scale_;
  Tensor stats_;                  // of a step: total, each loss term, gradient norm, loss scale
  std::vector<LossValues> read_;  // synchronous
  int in_flight_ = 0, steps_ = 0;
  std::int64_t number_ = 0;  // of the latest step
  std::unique_ptr<CapturedStep> captured_;
};

}  // namespace tandem
