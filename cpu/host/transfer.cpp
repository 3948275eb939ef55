#include "cpu/host/transfer.h"

#include <cstring>

#include "cpu/host/dispatch.h"

namespace tandem::cpu {

void HostUploader::begin(const void* from, std::size_t bytes) {
  require(bytes <= bytes_, "upload: {} bytes, expected at most {}", bytes, bytes_);
  require(begun_.size() < 2, "upload: a third batch is begun while two are not finished");
  std::vector<std::byte> batch = std::exchange(spare_, {});
  const auto* data = static_cast<const std::byte*>(from);
  batch.assign(data, data + bytes);
  begun_.push_back(std::move(batch));
}

void HostUploader::finish(Tensor& to) {
  require(!begun_.empty(), "upload: no batch is begun");
  std::vector<std::byte>& batch = begun_.front();
  require(batch.size() == to.bytes(), "upload: {} bytes into a tensor of {}", batch.size(), to.bytes());
  if (!batch.empty()) std::memcpy(to.raw(), batch.data(), batch.size());
  spare_ = std::move(batch);
  begun_.pop_front();
}

void HostDownloader::begin(const Tensor& from) {
  require(begun_.size() + static_cast<std::size_t>(from.size()) <= elements_,
          "download: {} elements after {}, expected at most {} in all", from.size(), begun_.size(), elements_);
  for_real("download", from.dtype(), [&](auto type) {
    const auto* data = from.data<decltype(type)>();
    begun_.insert(begun_.end(), data, data + from.size());
  });
}

}  // namespace tandem::cpu
