#pragma once
// What a device is: its memory, how data gets there and back, and steps that are captured and replayed.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/backend/autotune_cache.h"
#include "core/backend/kernel_observer.h"
#include "core/tensor/device.h"
#include "core/tensor/tensor.h"

namespace tandem {

/// Kernels that were recorded once, to be run again on the same tensors.
///
/// It keeps the memory that its kernels used from all others; the tensors that existed before capture() are shared with
/// the rest of the program, and must live as long as it does.
class CapturedStep {
 public:
  virtual ~CapturedStep() = default;
  CapturedStep() = default;
  CapturedStep(const CapturedStep&) = delete;
  CapturedStep& operator=(const CapturedStep&) = delete;
  /// Queues them all.
  virtual void replay() = 0;
};

/// Brings batches to the device while it computes.
class Uploader {
 public:
  virtual ~Uploader() = default;
  Uploader() = default;
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;
  /// Starts copying `bytes` bytes from host memory, which may be reused as soon as this returns. Waits while the two
  /// batches before it are still on their way. Error for more than the uploader was made for, or for a third batch
  /// begun and not finished.
  virtual void begin(const void* from, std::size_t bytes) = 0;
  /// Queues that `to`, of as many bytes, holds the oldest batch begun and not yet finished. Error if there is none.
  virtual void finish(Tensor& to) = 0;
};

/// Brings a few numbers to the host without making the device wait.
class Downloader {
 public:
  virtual ~Downloader() = default;
  Downloader() = default;
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;
  /// Queues a copy of a real tensor as the kernels called so far leave it. Error if the downloader was made for less.
  virtual void begin(const Tensor& from) = 0;
  /// Waits for the copies begun since the last call, and returns their elements in the order of the calls.
  virtual std::vector<double> finish() = 0;
};

class Runtime : public Observable {
 public:
  virtual ~Runtime() = default;
  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  virtual Device device() const = 0;
  /// One line for the log: processor, instruction set, libraries.
  virtual std::string description() const = 0;
  virtual bool supports(DType activation) const = 0;
  /// The ways to compute that were chosen so far, by measuring or for want of it: another choice rounds differently.
  /// Empty where there is no choice.
  virtual AutotuneChoices autotune_choices() const { return {}; }
  /// Computes from here on in the ways that a process before this one chose, where it measures at all.
  virtual void adopt(const AutotuneChoices& /*choices*/) {}
  /// Why other processes will not find autotune_choices() by themselves, in a few words; empty if they will, and where
  /// nothing is measured.
  virtual std::string why_choices_are_not_kept() const { return {}; }
  /// Waits for the kernels queued so far.
  virtual void synchronize() = 0;

  virtual Tensor empty(const Shape& shape, DType dtype) = 0;
  virtual MemoryStats memory() const = 0;
  /// Copies to.bytes() bytes from host memory, which may be reused as soon as this returns.
  virtual void copy_from_host(const void* from, Tensor& to) = 0;
  /// Copies from.bytes() bytes to host memory, and waits.
  virtual void copy_to_host(const Tensor& from, void* to) = 0;
  /// For batches of up to `bytes` bytes.
  virtual std::unique_ptr<Uploader> make_uploader(std::size_t bytes) = 0;
  /// For up to `elements` elements between one finish() and the next.
  virtual std::unique_ptr<Downloader> make_downloader(std::size_t elements) = 0;
  /// Records the kernels that `body` calls, without running them. Returns null and does not call body where the device
  /// cannot record: then call body each time. Before a capture, run the body twice, so that its memory is taken and its
  /// kernels are chosen.
  virtual std::unique_ptr<CapturedStep> capture(const std::function<void()>& body) = 0;
};

}  // namespace tandem
