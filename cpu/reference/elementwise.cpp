#include <algorithm>

#include "core/backend/image_net.h"
#include "cpu/host/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem {

std::shared_ptr<Backend> make_reference_backend(std::optional<int> threads) {
  return std::make_shared<cpu::ReferenceBackend>(compute_threads(threads));
}

namespace cpu {

void ReferenceBackend::cast(const Tensor& from, Tensor& to) {
  const KernelScope scope(*this, "cast", [&] { return elements_work({&from, &to}); });
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
  const KernelScope scope(*this, "add", [&] { return elements_work({&a, &b, &y}); });
  for_real("add", a.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < a.size(); ++i) y.data<T>()[i] = a.data<T>()[i] + b.data<T>()[i];
  });
}

void ReferenceBackend::relu_forward(const Tensor& x, Tensor& y) {
  const KernelScope scope(*this, "relu_forward", [&] { return elements_work({&x, &y}); });
  for_real("relu_forward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < x.size(); ++i) y.data<T>()[i] = std::max(x.data<T>()[i], T{0});
  });
}

void ReferenceBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const KernelScope scope(*this, "relu_backward", [&] { return elements_work({&y, &dy, &dx}); });
  for_real("relu_backward", y.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < y.size(); ++i) dx.data<T>()[i] = y.data<T>()[i] > 0 ? dy.data<T>()[i] : T{0};
  });
}

void ReferenceBackend::normalize_images(const Tensor& pixels, Tensor& y) {
  const KernelScope scope(*this, "normalize_images", [&] { return activation_work(y, {}, {&pixels, &y}); });
  for_real("normalize_images", y.dtype(), [&](auto type) {
    using T = decltype(type);
    for (std::int64_t i = 0; i < pixels.size(); ++i)
      y.data<T>()[i] =
          static_cast<T>((pixels.data<std::uint8_t>()[i] / 255.0 - kImageNetMean[i % 3]) / kImageNetStd[i % 3]);
  });
}

}  // namespace cpu
}  // namespace tandem
