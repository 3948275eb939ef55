#pragma once
// Copies batches to the device and numbers back while it computes.

#include <array>
#include <cstdint>

#include "core/backend/backend.h"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/stream.h"

namespace tandem::cuda {

/// Two slots of page-locked host memory, each with as much device memory, and a separate stream for the copies.
class BatchUploader final : public Uploader {
 public:
  /// `compute`: the stream of the kernels. It must outlive the uploader, and is waited for.
  BatchUploader(const Stream& compute, const std::shared_ptr<Arena>& arena, std::size_t bytes);
  ~BatchUploader() override;

  void begin(const void* from, std::size_t bytes) override;
  void finish(Tensor& to) override;

 private:
  struct Slot {
    Slot(const std::shared_ptr<Arena>& arena, std::size_t capacity)
        : host(capacity), device(arena, {static_cast<std::int64_t>(capacity)}, DType::u8) {}
    PinnedMemory host;
    Tensor device;
    std::size_t bytes = 0;
    Event arrived;   ///< in `device`
    Event consumed;  ///< copied from `device` to the tensor
  };
  Slot& slot(std::uint64_t batch) { return slots_[batch % slots_.size()]; }

  const Stream& compute_;
  Stream copies_;
  std::size_t capacity_;
  std::array<Slot, 2> slots_;
  std::uint64_t begun_ = 0, finished_ = 0;  ///< batches
};

/// Copies to page-locked memory in the stream of the kernels.
class NumberDownloader final : public Downloader {
 public:
  /// `compute`: the stream of the kernels. It must outlive the downloader.
  NumberDownloader(const Stream& compute, std::size_t elements);
  ~NumberDownloader() override;

  void begin(const Tensor& from) override;
  std::vector<double> finish() override;

 private:
  const Stream& compute_;
  std::size_t capacity_, used_ = 0;  ///< elements
  PinnedMemory host_;
  Event arrived_;
};

}  // namespace tandem::cuda
