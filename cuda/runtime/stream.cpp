#include "cuda/runtime/stream.h"

#include "cuda/runtime/check.h"

namespace tandem::cuda {

Event::Event(bool timed) {
  check(cudaEventCreateWithFlags(event_.receive(), timed ? cudaEventDefault : cudaEventDisableTiming));
}

void Event::wait() const { check(cudaEventSynchronize(get())); }

double Event::seconds_since(const Event& begin) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin.get(), get()));
  return static_cast<double>(milliseconds) * 1e-3;
}

Stream::Stream() { check(cudaStreamCreateWithFlags(stream_.receive(), cudaStreamNonBlocking)); }

void Stream::record(const Event& event) const { check(cudaEventRecord(event.get(), get())); }

void Stream::wait_for(const Event& event) const { check(cudaStreamWaitEvent(get(), event.get(), 0)); }

void Stream::synchronize() const { check(cudaStreamSynchronize(get())); }

}  // namespace tandem::cuda
