#include "core/backend/kernel_observer.h"

namespace tandem {
namespace {

double bytes_of(const Tensor& tensor) { return tensor ? static_cast<double>(tensor.bytes()) : 0; }

double bytes_of(Tensors tensors) {
  double sum = 0;
  for (const Tensor* tensor : tensors) sum += bytes_of(*tensor);
  return sum;
}

}  // namespace

KernelWork elements_work(Tensors read_and_written) {
  const Tensor& x = **read_and_written.begin();
  return {fmt::format("{} {}", x.dtype(), x.shape()), 0, bytes_of(read_and_written)};
}

KernelWork activation_work(const Tensor& x, const Tensor& residual, Tensors read_and_written) {
  return {fmt::format("{} at {}x{}{}", x.dim(3), x.dim(1), x.dim(2), residual ? " + residual" : ""), 0,
          bytes_of(read_and_written)};
}

KernelWork convolution_work(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& y,
                            const Tensor& residual) {
  const Shape& window = w.shape();
  const std::string groups = geometry.groups == 1 ? "" : fmt::format(" in {}", geometry.groups);
  return {fmt::format("{}x{}/{} {} -> {}{} at {}x{}{}", window[1], window[2], geometry.stride, x.dim(3), window[0],
                      groups, x.dim(1), x.dim(2), residual ? " + residual" : ""),
          2.0 * static_cast<double>(y.size()) * static_cast<double>(window[1] * window[2] * window[3]),
          bytes_of({&x, &w, &residual, &y})};
}

KernelWork product_work(const Tensor& a, const Tensor& b, const Tensor& y) {
  const double inner = static_cast<double>(a.size()) / static_cast<double>(y.dim(0));
  return {fmt::format("{} x {} x {:.0f}", y.dim(0), y.dim(1), inner), 2.0 * static_cast<double>(y.size()) * inner,
          bytes_of({&a, &b, &y})};
}

KernelWork linear_work(std::int64_t n, const Tensor& w, Tensors read_and_written) {
  return {fmt::format("{} -> {}", w.dim(1), w.dim(0)), 2.0 * static_cast<double>(n) * static_cast<double>(w.size()),
          bytes_of(read_and_written)};
}

KernelWork tensors_work(const std::vector<Tensor>& tensors) {
  double bytes = 0;
  for (const Tensor& tensor : tensors) bytes += bytes_of(tensor);
  return {fmt::format("{} tensors", tensors.size()), 0, bytes};
}

KernelWork update_work(const std::vector<ParameterUpdate>& parameters) {
  double bytes = 0;
  for (const ParameterUpdate& p : parameters)
    bytes += 2 * bytes_of({&p.weight, &p.state[0], &p.state[1]}) + bytes_of(p.gradient);
  return {fmt::format("{} tensors", parameters.size()), 0, bytes};
}

}  // namespace tandem
