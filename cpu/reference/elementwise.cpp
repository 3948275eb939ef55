#include <algorithm>
#include <cstring>

#include "cpu/host_memory.h"
#include "cpu/reference/dispatch.h"
#include "cpu/reference/reference_backend.h"
#include "cpu/reference/transfer.h"

namespace tandem {

std::shared_ptr<Backend> make_reference_backend() { return std::make_shared<cpu::ReferenceBackend>(); }

namespace cpu {

ReferenceBackend::ReferenceBackend(int threads)
    : arena_(std::make_shared<Arena>(std::make_unique<HostSegments>())), threads_(threads) {}

namespace {

/// std::memcpy must not be given null, not even for no bytes at all, which is what an empty vector's data() may be.
void copy_bytes(const void* from, void* to, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

}  // namespace

void ReferenceBackend::copy_from_host(const void* from, Tensor& to) { copy_bytes(from, to.raw(), to.bytes()); }

void ReferenceBackend::copy_to_host(const Tensor& from, void* to) { copy_bytes(from.raw(), to, from.bytes()); }

std::unique_ptr<Uploader> ReferenceBackend::make_uploader(std::size_t bytes) {
  return std::make_unique<HostUploader>(bytes);
}

std::unique_ptr<Downloader> ReferenceBackend::make_downloader(std::size_t elements) {
  return std::make_unique<HostDownloader>(elements);
}

void ReferenceBackend::copy(const Tensor& from, Tensor& to) { copy_bytes(from.raw(), to.raw(), from.bytes()); }

void ReferenceBackend::fill(Tensor& x, double value) {
  if (value == 0.0) {
    std::memset(x.raw(), 0, x.bytes());
    return;
  }
  for_real("fill", x.dtype(), [&](auto type) {
    using T = decltype(type);
    std::fill_n(x.data<T>(), x.size(), static_cast<T>(value));
  });
}

void ReferenceBackend::cast(const Tensor& from, Tensor& to) {
  const auto read = [&](std::int64_t i) -> double {
    switch (from.dtype()) {
      case DType::f32:
        return from.data<float>()[i];
      case DType::f64:
        return from.data<double>()[i];
      case DType::bf16:
        return static_cast<float>(from.data<BFloat16>()[i]);
      case DType::f16:
        return static_cast<float>(from.data<Float16>()[i]);
      default:
        fail("cast: from {}", from.dtype());
    }
  };
  for (std::int64_t i = 0; i < from.size(); ++i) {
    if (to.dtype() == DType::bf16)
      to.data<BFloat16>()[i] = BFloat16(static_cast<float>(read(i)));
    else if (to.dtype() == DType::f16)
      to.data<Float16>()[i] = Float16(static_cast<float>(read(i)));
    else if (to.dtype() == DType::f32)
      to.data<float>()[i] = static_cast<float>(read(i));
    else
      to.data<double>()[i] = read(i);
  }
}

void ReferenceBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  for_real("add", a.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < a.size(); ++i) y.data<T>()[i] = a.data<T>()[i] + b.data<T>()[i];
  });
}

void ReferenceBackend::relu_forward(const Tensor& x, Tensor& y) {
  for_real("relu_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < x.size(); ++i) y.data<T>()[i] = std::max(x.data<T>()[i], T{0});
  });
}

void ReferenceBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  for_real("relu_backward", y.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < y.size(); ++i) dx.data<T>()[i] = y.data<T>()[i] > 0 ? dy.data<T>()[i] : T{0};
  });
}

void ReferenceBackend::scale(const Tensor& x, const Tensor& factor, Tensor& y) {
  for_real("scale", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T f = factor.data<T>()[0];
    for (std::int64_t i = 0; i < x.size(); ++i) y.data<T>()[i] = x.data<T>()[i] * f;
  });
}

void ReferenceBackend::weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) {
  for_real("weighted_sum", out.dtype(), [&](auto type) {
    using T = decltype(type);
    double sum = 0;
    for (std::size_t i = 0; i < terms.size(); ++i)
      sum += static_cast<double>(weights.data<T>()[i]) * static_cast<double>(terms[i].data<T>()[0]);
    out.data<T>()[0] = static_cast<T>(sum);
  });
}

void ReferenceBackend::normalize_images(const Tensor& pixels, Tensor& y) {
  for_real("normalize_images", y.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < pixels.size(); ++i)
      y.data<T>()[i] = static_cast<T>((pixels.data<std::uint8_t>()[i] / 255.0 - kImageMean[i % 3]) / kImageStd[i % 3]);
  });
}

}  // namespace cpu
}  // namespace tandem
