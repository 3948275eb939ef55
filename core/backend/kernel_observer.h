#pragma once
// How a benchmark hears of every kernel: each implementation of a kernel opens a KernelScope.

#include <initializer_list>
#include <string>
#include <vector>

#include "core/backend/kernel_options.h"
#include "core/tensor/tensor.h"

namespace tandem {

/// What a call of a kernel has to do.
struct KernelWork {
  std::string problem;  ///< what it works on: "1x1/1 64 -> 256 at 56x56"
  double flop = 0;      ///< multiplications and additions of convolutions and matrix products; 0 for the rest
  double bytes = 0;     ///< what must be read and written, if nothing stays in a cache between the passes of a kernel
};

class KernelObserver {
 public:
  virtual ~KernelObserver() = default;
  KernelObserver() = default;
  KernelObserver(const KernelObserver&) = delete;
  KernelObserver& operator=(const KernelObserver&) = delete;
  /// A kernel is about to be queued.
  virtual void begin() = 0;
  /// It is queued. `kernel` is the name in core/backend/kernels.h, a literal.
  virtual void end(const char* kernel, const KernelWork& work) noexcept = 0;
};

/// Where a backend keeps its observer.
class Observable {
 public:
  /// Calls `observer` for every kernel from now on, or none if it is null. The observer must live as long as it is set.
  /// One that waits for the device must not be set during a capture.
  void observe(KernelObserver* observer) { observer_ = observer; }

 protected:
  ~Observable() = default;

 private:
  friend class KernelScope;
  KernelObserver* observer_ = nullptr;
};

/// A kernel's call, from the construction to the destruction. The observer hears of the outermost scope alone, not of
/// the kernels that a kernel calls.
class KernelScope {
 public:
  /// `describe()` returns the KernelWork; it is called if there is an observer.
  template <class Describe>
  KernelScope(Observable& device, const char* kernel, const Describe& describe)
      : device_(device), kernel_(kernel), observer_(device.observer_) {
    if (!observer_) return;
    work_ = describe();
    device_.observer_ = nullptr;
    observer_->begin();
  }
  ~KernelScope() {
    if (!observer_) return;
    observer_->end(kernel_, work_);
    device_.observer_ = observer_;
  }
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  Observable& device_;
  const char* kernel_;
  KernelObserver* observer_;
  KernelWork work_;
};

// The work of the kernels, by kind. Undefined tensors count for nothing. ---------------------------------------------

using Tensors = std::initializer_list<const Tensor*>;

/// Of the first tensor's elements: "f32 (16, 12)".
KernelWork elements_work(Tensors read_and_written);
/// Of activations x (N, H, W, C): "64 at 8x8", and " + residual" if there is one.
KernelWork activation_work(const Tensor& x, const Tensor& residual, Tensors read_and_written);
/// Of a convolution of x (N, H, W, C) by windows w (K, R, S, C / G) to y: "3x3/2 128 -> 128 at 56x56", " in 32" groups
/// if there are several, and " + residual" if one is added.
KernelWork convolution_work(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& y,
                            const Tensor& residual = {});
/// Of a layer with weights w (K, C) on n rows: "2048 -> 256".
KernelWork linear_work(std::int64_t n, const Tensor& w, Tensors read_and_written);
/// Of an update, "161 tensors": weights and state are read and written, gradients read.
KernelWork update_work(const std::vector<ParameterUpdate>& parameters);
/// Of a product of matrices a and b, each perhaps transposed, to y (M, N).
KernelWork product_work(const Tensor& a, const Tensor& b, const Tensor& y);
/// Of tensors that are read: "161 tensors".
KernelWork tensors_work(const std::vector<Tensor>& tensors);

}  // namespace tandem
