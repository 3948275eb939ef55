#pragma once
// Work of a thread that is not part of what it captures.

#include <cuda_runtime_api.h>

namespace tandem::cuda {

/// While it lives, this thread may take and release memory and load code, which CUDA otherwise forbids a thread that
/// captures a stream, because such calls cannot be captured.
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
