#pragma once
// Uploads and downloads for a device whose memory is the host's.

#include <deque>
#include <vector>

#include "core/backend/backend.h"

namespace tandem::cpu {

class HostUploader final : public Uploader {
 public:
  explicit HostUploader(std::size_t bytes) : bytes_(bytes) {}
  void begin(const void* from, std::size_t bytes) override;
  void finish(Tensor& to) override;

 private:
  std::size_t bytes_;
  std::deque<std::vector<std::byte>> begun_;
  std::vector<std::byte> spare_;
};

class HostDownloader final : public Downloader {
 public:
  explicit HostDownloader(std::size_t elements) : elements_(elements) {}
  void begin(const Tensor& from) override;
  std::vector<double> finish() override { return std::exchange(begun_, {}); }

 private:
  std::size_t elements_;
  std::vector<double> begun_;
};

}  // namespace tandem::cpu
