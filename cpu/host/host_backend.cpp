#include "cpu/host/host_backend.h"

#include <algorithm>
#include <cstring>

#include "cpu/host/dispatch.h"
#include "cpu/host/host_memory.h"
#include "cpu/host/transfer.h"

namespace tandem::cpu {
namespace {

/// std::memcpy must not get a null pointer, even for 0 bytes, and an empty vector's data() may be null.
void copy_bytes(const void* from, void* to, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

}  // namespace

HostBackend::HostBackend(const ThreadCount& threads)
    : arena_(std::make_shared<Arena>(std::make_unique<HostSegments>())),
      threads_(threads.count),
      why_so_many_(threads.reason) {}

std::string HostBackend::threads_description() const {
  const int count = threads_.count();
  return fmt::format("{} thread{} ({})", count, count == 1 ? "" : "s", why_so_many_);
}

void HostBackend::copy_from_host(const void* from, Tensor& to) { copy_bytes(from, to.raw(), to.bytes()); }

void HostBackend::copy_to_host(const Tensor& from, void* to) { copy_bytes(from.raw(), to, from.bytes()); }

std::unique_ptr<Uploader> HostBackend::make_uploader(std::size_t bytes) {
  return std::make_unique<HostUploader>(bytes);
}

std::unique_ptr<Downloader> HostBackend::make_downloader(std::size_t elements) {
  return std::make_unique<HostDownloader>(elements);
}

void HostBackend::copy(const Tensor& from, Tensor& to) {
  const KernelScope scope(*this, "copy", [&] { return elements_work({&from, &to}); });
  copy_bytes(from.raw(), to.raw(), from.bytes());
}

void HostBackend::fill(Tensor& x, double value) {
  const KernelScope scope(*this, "fill", [&] { return elements_work({&x}); });
  if (value == 0.0) {
    std::memset(x.raw(), 0, x.bytes());
    return;
  }
  for_real("fill", x.dtype(), [&](auto type) {
    using T = decltype(type);
    std::fill_n(x.data<T>(), x.size(), static_cast<T>(value));
  });
}

}  // namespace tandem::cpu
