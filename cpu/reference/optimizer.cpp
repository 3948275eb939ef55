#include "cpu/host/optimizer.h"

#include <algorithm>
#include <cmath>

#include "cpu/host/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {

void ReferenceBackend::optimizer_update(const UpdateRule& rule, const UpdateInputs& inputs,
                                        std::vector<ParameterUpdate>& parameters) {
  const KernelScope scope(*this, "optimizer_update", [&] { return update_work(parameters); });
  if (!may_update(inputs)) return;
  for (ParameterUpdate& p : parameters)
    for_real("optimizer_update", p.weight.dtype(), [&](auto type) {
      const auto whole = [](std::int64_t size, const Pieces::Body& body) { body(0, size); };
      update_parameter<decltype(type)>(rule, inputs, p, {std::max<std::int64_t>(1, p.weight.size()), whole});
    });
}

void ReferenceBackend::gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) {
  const KernelScope scope(*this, "gradient_norm", [&] { return tensors_work(gradients); });
  for_real("gradient_norm", norm.dtype(), [&](auto type) {
    using T = decltype(type);
    double sum = 0;
    for (const Tensor& gradient : gradients)
      for (std::int64_t i = 0; i < gradient.size(); ++i) {
        const auto g = static_cast<double>(gradient.data<T>()[i]);
        sum += g * g;
      }
    norm.data<T>()[0] = static_cast<T>(std::sqrt(sum));
  });
}

}  // namespace tandem::cpu
