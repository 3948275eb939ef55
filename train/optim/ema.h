#pragma once
// The exponential moving average of a network's weights; the formula is in train/optim/ema_options.h.

#include <vector>

#include "layers/module.h"
#include "train/optim/ema_options.h"

namespace tandem {

/// Averages every tensor of a module: parameters and running statistics, as timm does.
class Ema {
 public:
  /// Begins as the module is now. Both must outlive this.
  Ema(Backend& backend, Module& module, const EmaOptions& options);
  Ema(const Ema&) = delete;
  Ema& operator=(const Ema&) = delete;

  /// Begins anew as the module is now.
  void restart();
  /// 1 - d after update number `t`, counted from 1: the share of the new weights.
  double share(std::int64_t t) const;
  /// Takes the module's tensors in. share (1) real; gradient_norm (1) real, or undefined: where it is not finite, there
  /// was no update, and the average stays. Within a captured step.
  void update(const Tensor& share, const Tensor& gradient_norm);
  /// The averages, by the names of the module's tensors.
  std::vector<NamedTensor> state();

  /// While it lives, the module has the averages in the place of its own tensors, and the reverse.
  class Exchange {
   public:
    explicit Exchange(Ema& ema) : ema_(ema) { ema_.exchange(); }
    ~Exchange() { ema_.exchange(); }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

   private:
    Ema& ema_;
  };

 private:
  void exchange();

  Backend& backend_;
  EmaOptions options_;
  std::vector<NamedTensor> tensors_;
  std::vector<Tensor> averages_;
};

}  // namespace tandem
