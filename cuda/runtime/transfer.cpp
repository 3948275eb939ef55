#include "cuda/runtime/transfer.h"

#include <cstring>

#include "cuda/runtime/check.h"

namespace tandem::cuda {

BatchUploader::BatchUploader(const Stream& compute, const std::shared_ptr<Arena>& arena, std::size_t bytes)
    : compute_(compute), capacity_(bytes), slots_{Slot(arena, bytes), Slot(arena, bytes)} {
  // The arena reuses memory in the order of the kernels' stream, but the copies run in another stream.
  compute_.synchronize();
}

BatchUploader::~BatchUploader() {
  // The slots' memory must not be reused while a copy writes to it.
  (void)cudaStreamSynchronize(copies_.get());
}

void BatchUploader::begin(const void* from, std::size_t bytes) {
  require(bytes <= capacity_, "uploader: a batch of {} bytes, made for {}", bytes, capacity_);
  require(begun_ - finished_ < slots_.size(), "uploader: a third batch begun, two are not finished");
  Slot& s = slot(begun_);
  s.arrived.wait();  // until then the device reads the host's memory
  if (bytes > 0) std::memcpy(s.host.data(), from, bytes);
  s.bytes = bytes;
  copies_.wait_for(s.consumed);
  if (bytes > 0) check(cudaMemcpyAsync(s.device.raw(), s.host.data(), bytes, cudaMemcpyHostToDevice, copies_.get()));
  copies_.record(s.arrived);
  ++begun_;
}

void BatchUploader::finish(Tensor& to) {
  require(finished_ < begun_, "uploader: no batch has begun");
  Slot& s = slot(finished_);
  require(to.bytes() == s.bytes, "uploader: a batch of {} bytes to {} {}", s.bytes, to.dtype(), to.shape());
  compute_.wait_for(s.arrived);
  if (s.bytes > 0) check(cudaMemcpyAsync(to.raw(), s.device.raw(), s.bytes, cudaMemcpyDeviceToDevice, compute_.get()));
  compute_.record(s.consumed);
  ++finished_;
}

NumberDownloader::NumberDownloader(const Stream& compute, std::size_t elements)
    : compute_(compute), capacity_(elements), host_(elements * sizeof(float)) {}

NumberDownloader::~NumberDownloader() {
  // The device must not write to host memory that was released.
  if (used_ > 0) (void)cudaStreamSynchronize(compute_.get());
}

void NumberDownloader::begin(const Tensor& from) {
  const auto elements = static_cast<std::size_t>(from.size());
  require(used_ + elements <= capacity_, "downloader: {} elements, made for {}", used_ + elements, capacity_);
  auto* to = static_cast<float*>(host_.data()) + used_;
  check(cudaMemcpyAsync(to, from.data<float>(), from.bytes(), cudaMemcpyDeviceToHost, compute_.get()));
  compute_.record(arrived_);
  used_ += elements;
}

std::vector<double> NumberDownloader::finish() {
  if (used_ > 0) arrived_.wait();
  const auto* values = static_cast<const float*>(host_.data());
  return {values, values + std::exchange(used_, 0)};
}

}  // namespace tandem::cuda
