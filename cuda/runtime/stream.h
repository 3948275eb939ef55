#pragma once
// Streams and events.

#include <cuda_runtime_api.h>

#include "cuda/runtime/handle.h"

namespace tandem::cuda {

/// A point in a stream's work.
class Event {
 public:
  /// `timed`: allows seconds_since(), and makes recording slower.
  explicit Event(bool timed = false);

  /// Waits until the stream has reached this point; returns at once if it was never recorded.
  void wait() const;
  /// Seconds from `begin` to this event, both of them timed and reached.
  double seconds_since(const Event& begin) const;
  cudaEvent_t get() const { return event_.get(); }

 private:
  Handle<cudaEvent_t, cudaEventDestroy> event_;
};

/// A queue of work on the device that was current when it was made.
class Stream {
 public:
  Stream();

  void record(const Event& event) const;
  /// Work queued from now on waits for the event; it does not wait if the event was never recorded.
  void wait_for(const Event& event) const;
  void synchronize() const;
  cudaStream_t get() const { return stream_.get(); }

 private:
  Handle<cudaStream_t, cudaStreamDestroy> stream_;
};

}  // namespace tandem::cuda
