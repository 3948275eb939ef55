#pragma once
// What a thread does beside the work it captures.

#include <cuda_runtime_api.h>

namespace tandem::cuda {

/// While it lives, this thread may do what CUDA forbids a thread that captures a stream, because it would be wrong if
/// it were meant to be captured: take memory and give it back, load code.
class OutsideCapture {
 public:
  OutsideCapture() { (void)cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~OutsideCapture() { (void)cudaThreadExchangeStreamCaptureMode(&mode_); }
  OutsideCapture(const OutsideCapture&) = delete;
  OutsideCapture& operator=(const OutsideCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;  // the one before, while this object lives
};

}  // namespace tandem::cuda
