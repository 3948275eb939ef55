#pragma once
// Batches to the device and figures back, beside the computation.

#include <array>
#include <cstdint>

#include "core/backend/backend.h"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/stream.h"

namespace tandem::cuda {

/// Two slots, each of page-locked host memory and as much device memory, and a stream of its own for the way between.
class BatchUploader final : public Uploader {
 public:
  /// `compute`: the stream of the kernels, which must outlive it. Waits for it.
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
    Event consumed;  ///< copied from `device` to where it was wanted
  };
  Slot& slot(std::uint64_t batch) { return slots_[batch % slots_.size()]; }

  const Stream& compute_;
  Stream copies_;
  std::size_t capacity_;
  std::array<Slot, 2> slots_;
  std::uint64_t begun_ = 0, finished_ = 0;  ///< batches
};

/// Copies to page-locked memory in the stream of the kernels.
class FigureDownloader final : public Downloader {
 public:
  /// `compute`: the stream of the kernels, which must outlive it.
  FigureDownloader(const Stream& compute, std::size_t elements);
  ~FigureDownloader() override;

  void begin(const Tensor& from) override;
  std::vector<double> finish() override;

 private:
  const Stream& compute_;
  std::size_t capacity_, used_ = 0;  ///< elements
  PinnedMemory host_;
  Event arrived_;
};

}  // namespace tandem::cuda
