#pragma once
// Training steps as a run makes them: queued on the device, their losses read together, and captured where the device
// can, so that the host only hands over batches.
//
// How a step that goes wrong is kept from the weights:
//   reading at once   the loss is read between forward and backward, the gradients' norm between backward and
//                     update; if one is not finite, submit() throws.
//   reading later     the device does not update where the gradients' norm is not finite; finish() throws for the first
//                     step whose loss is not. A gradient that is not finite though its loss is throws, too, but with a
//                     loss scale: there it is what makes the scale fall.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/loader/batch.h"
#include "train/loop/train_step.h"

namespace tandem {

struct StepOptions {
  int pairs = 0, size = 0;  ///< of a batch: N, and height and width
  PairLossOptions loss;
  bool match_softmax = false;  ///< the contrastive weight is a moving average of the softmax losses
  bool synchronous = true;     ///< read each step's losses at once; otherwise finish() reads them
  int max_in_flight = 1;       ///< steps between one finish() and the next
  bool capture = true;         ///< the third step and those after it as one launch, where the device can
  std::optional<LossScaleOptions> loss_scaling;
};

/// What steps carry over to the next one on the device.
struct StepState {
  double matched_weight = 0;           ///< the contrastive weight under match_softmax
  std::array<double, 2> loss_scale{};  ///< of UpdateInputs; used with loss_scaling
};

/// The loss scale that a run begins with: PyTorch's.
inline constexpr std::array<double, 2> kFirstLossScale{65536, 0};

class StepExecutor {
 public:
  /// Context: device, type and groups. Model and optimizer must outlive this.
  StepExecutor(const Context& context, TwinTowers& model, Optimizer& optimizer, const StepOptions& options,
               const StepState& state);

  /// Queues step number `t`, counted from 1, on a batch, which may be reused as soon as this returns.
  void submit(const Batch& batch, double lr, std::int64_t t);
  /// The same on the batch before, which is on the device already.
  void submit_again(double lr, std::int64_t t);
  /// Waits for the steps submitted since the last call, and calls body with the losses of each in order. Throws Error
  /// instead for the first that went wrong.
  void finish(const std::function<void(const LossValues&)>& body);
  /// After finish().
  StepState state() const;
  /// Whether steps are replayed by now.
  bool captured() const { return captured_ != nullptr; }

 private:
  void run();
  void write_figures(const PairLosses& losses);
  void average_softmax(const PairLosses& losses);

  Context context_;
  Backend& backend_;
  TwinTowers& model_;
  Optimizer& optimizer_;
  StepOptions options_;
  std::unique_ptr<Uploader> pixels_up_, labels_up_, scalars_up_;
  std::unique_ptr<Downloader> figures_down_;
  // What a captured step reads and writes.
  Tensor pixels_, labels_, scalars_, weights_, average_, norm_, loss_scale_;
  Tensor figures_;                // total, softmax A, softmax B, contrastive, gradient norm, loss scale
  std::vector<LossValues> read_;  // at once
  int queued_ = 0, steps_ = 0;
  std::int64_t number_ = 0;  // of the latest step
  std::unique_ptr<CapturedStep> captured_;
};

}  // namespace tandem
