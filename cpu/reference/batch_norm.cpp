#include <cmath>

#include "cpu/host/dispatch.h"
#include "cpu/reference/reference_backend.h"

namespace tandem::cpu {
namespace {

bool mask_bit(const Tensor& mask, std::int64_t row, std::int64_t c) {
  return mask.data<std::uint8_t>()[row * mask.dim(1) + c / 8] >> (c % 8) & 1;
}

/// y = [relu](gamma * (x - mean) * inv_std + beta [+ residual]) for one channel of rows [begin, end).
template <class T>
void normalize(const BatchNormOptions& options, const Tensor& x, const Tensor& residual, T mean, T scale, T shift,
               std::int64_t c, std::int64_t begin, std::int64_t end, Tensor& y) {
  const std::int64_t channels = x.dim(3);
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t i = row * channels + c;
    T value = (x.data<T>()[i] - mean) * scale + shift;
    if (residual) value += residual.data<T>()[i];
    // Written so that a NaN passes through, as it does in the optimised kernels.
    y.data<T>()[i] = options.relu && value < 0 ? T{0} : value;
  }
}

}  // namespace

void ReferenceBackend::batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x,
                                                const Tensor& residual, const Tensor& gamma, const Tensor& beta,
                                                Tensor& running_mean, Tensor& running_var, Tensor& y,
                                                BatchNormSaved& saved) {
  const KernelScope scope(*this, "batch_norm_forward_train", [&] {
    return activation_work(x, residual, {&x, &x, &residual, &y, &saved.mask});
  });
  for_real("batch_norm_forward_train", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t channels = x.dim(3), n = x.size() / channels / options.groups;
    for (std::int64_t g = 0; g < options.groups; ++g)
      for (std::int64_t c = 0; c < channels; ++c) {
        T &rm = running_mean.data<T>()[c], &rv = running_var.data<T>()[c];
        if (options.fixed_statistics) {
          const double inv_std = 1 / std::sqrt(static_cast<double>(rv) + options.eps);
          saved.mean.data<T>()[g * channels + c] = rm;
          saved.inv_std.data<T>()[g * channels + c] = static_cast<T>(inv_std);
          normalize<T>(options, x, residual, rm, gamma.data<T>()[c] * static_cast<T>(inv_std), beta.data<T>()[c], c,
                       g * n, (g + 1) * n, y);
          continue;
        }
        double sum = 0, squares = 0;
        for (std::int64_t row = g * n; row < (g + 1) * n; ++row)
          sum += static_cast<double>(x.data<T>()[row * channels + c]);
        const double mean = sum / static_cast<double>(n);
        for (std::int64_t row = g * n; row < (g + 1) * n; ++row) {
          const double d = static_cast<double>(x.data<T>()[row * channels + c]) - mean;
          squares += d * d;
        }
        const double var = squares / static_cast<double>(n), inv_std = 1 / std::sqrt(var + options.eps);
        const double unbiased = n > 1 ? squares / static_cast<double>(n - 1) : var;
        saved.mean.data<T>()[g * channels + c] = static_cast<T>(mean);
        saved.inv_std.data<T>()[g * channels + c] = static_cast<T>(inv_std);
        rm = static_cast<T>((1 - options.momentum) * static_cast<double>(rm) + options.momentum * mean);
        rv = static_cast<T>((1 - options.momentum) * static_cast<double>(rv) + options.momentum * unbiased);
        normalize<T>(options, x, residual, static_cast<T>(mean), gamma.data<T>()[c] * static_cast<T>(inv_std),
                     beta.data<T>()[c], c, g * n, (g + 1) * n, y);
      }
    if (!options.relu) return;
    fill(saved.mask, 0);
    for (std::int64_t row = 0; row < saved.mask.dim(0); ++row)
      for (std::int64_t c = 0; c < channels; ++c)
        if (y.data<T>()[row * channels + c] > 0)
          saved.mask.data<std::uint8_t>()[row * saved.mask.dim(1) + c / 8] |= static_cast<std::uint8_t>(1 << c % 8);
  });
}

void ReferenceBackend::batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                               const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                                               const Tensor& running_var, Tensor& y) {
  const KernelScope scope(*this, "batch_norm_forward_eval", [&] {
    return activation_work(x, residual, {&x, &residual, &y});
  });
  for_real("batch_norm_forward_eval", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t channels = x.dim(3), rows = x.size() / channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      const double inv_std = 1 / std::sqrt(static_cast<double>(running_var.data<T>()[c]) + options.eps);
      normalize<T>(options, x, residual, running_mean.data<T>()[c], gamma.data<T>()[c] * static_cast<T>(inv_std),
                   beta.data<T>()[c], c, 0, rows, y);
    }
  });
}

void ReferenceBackend::batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x,
                                           const Tensor& gamma, const BatchNormSaved& saved, Tensor& dx,
                                           Tensor& dresidual, Tensor& dgamma, Tensor& dbeta) {
  const KernelScope scope(*this, "batch_norm_backward", [&] {
    return activation_work(x, dresidual, {&dy, &x, &saved.mask, &dy, &x, &saved.mask, &dx, &dresidual});
  });
  for_real("batch_norm_backward", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t channels = x.dim(3), n = x.size() / channels / options.groups;
    const auto masked = [&](std::int64_t row, std::int64_t c) {
      return options.relu && !mask_bit(saved.mask, row, c) ? T{0} : dy.data<T>()[row * channels + c];
    };
    for (std::int64_t c = 0; c < channels; ++c) {
      double all_dy = 0, all_dy_x = 0;
      for (std::int64_t g = 0; g < options.groups; ++g) {
        const T mean = saved.mean.data<T>()[g * channels + c], inv_std = saved.inv_std.data<T>()[g * channels + c];
        double sum_dy = 0, sum_dy_x = 0;
        for (std::int64_t row = g * n; row < (g + 1) * n; ++row) {
          sum_dy += static_cast<double>(masked(row, c));
          sum_dy_x += static_cast<double>(masked(row, c) * (x.data<T>()[row * channels + c] - mean) * inv_std);
        }
        const bool fixed = options.fixed_statistics;
        const T mean_dy = fixed ? T{0} : static_cast<T>(sum_dy / static_cast<double>(n));
        const T mean_dy_x = fixed ? T{0} : static_cast<T>(sum_dy_x / static_cast<double>(n));
        for (std::int64_t row = g * n; row < (g + 1) * n; ++row) {
          const std::int64_t i = row * channels + c;
          const T d = masked(row, c), normal = (x.data<T>()[i] - mean) * inv_std;
          if (dresidual) dresidual.data<T>()[i] = d;
          dx.data<T>()[i] = gamma.data<T>()[c] * inv_std * (d - mean_dy - normal * mean_dy_x);
        }
        all_dy += sum_dy;
        all_dy_x += sum_dy_x;
      }
      dbeta.data<T>()[c] = static_cast<T>(all_dy);
      dgamma.data<T>()[c] = static_cast<T>(all_dy_x);
    }
  });
}

}  // namespace tandem::cpu
