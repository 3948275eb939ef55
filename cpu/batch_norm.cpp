// Batch normalisation, f32 and bf16. Sums are taken piece by piece in f32 and combined in f64, in the order of the pieces,
// whose number depends on the shape alone: so the result does not depend on the number of threads.

#include <cmath>
#include <vector>

#include "cpu/activation.h"
#include "cpu/cpu_backend.h"

namespace tandem::cpu {
namespace {

/// How the rows of one group are cut into pieces.
struct Pieces {
  std::int64_t groups, rows, channels, rows_a_piece, a_group;

  Pieces(const Tensor& x, std::int64_t group_count)
      : groups(group_count), rows(x.size() / x.dim(3) / group_count), channels(x.dim(3)) {
    constexpr std::int64_t kMost = 64;  // a group: bounds the memory for partial sums
    rows_a_piece = std::max<std::int64_t>({1, kGrain / channels, (rows + kMost - 1) / kMost});
    a_group = (rows + rows_a_piece - 1) / rows_a_piece;
  }

  /// Calls body(group, index of the piece, first row, number of rows), on all threads.
  template <class Body>
  void for_each(const Body& body) const {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < groups * a_group; ++i) {
      const std::int64_t group = i / a_group, first = i % a_group * rows_a_piece;
      body(group, i, group * rows + first, std::min(rows_a_piece, rows - first));
    }
  }
};

/// Two sums a channel, of every piece, and their totals by group.
class PartialSums {
 public:
  PartialSums(Backend& backend, const Pieces& pieces)
      : pieces_(pieces), sums_(backend.empty({pieces.groups * pieces.a_group, 2, pieces.channels}, DType::f32)) {
    backend.fill(sums_, 0);
  }
  float* first(std::int64_t piece) { return sums_.data<float>() + piece * 2 * pieces_.channels; }
  float* second(std::int64_t piece) { return first(piece) + pieces_.channels; }

  /// Calls body(channel, total of the first, total of the second) for one group.
  template <class Body>
  void totals(std::int64_t group, const Body& body) {
    for (std::int64_t c = 0; c < pieces_.channels; ++c) {
      double a = 0, b = 0;
      for (std::int64_t i = group * pieces_.a_group; i < (group + 1) * pieces_.a_group; ++i)
        a += static_cast<double>(first(i)[c]), b += static_cast<double>(second(i)[c]);
      body(c, a, b);
    }
  }

 private:
  Pieces pieces_;
  Tensor sums_;
};

}  // namespace

void CpuBackend::batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                          const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                                          Tensor& running_var, Tensor& y, BatchNormSaved& saved) {
  if (x.dtype() == DType::f64)
    return ReferenceBackend::batch_norm_forward_train(options, x, residual, gamma, beta, running_mean, running_var, y,
                                                      saved);
  for_activation(kernels_, "batch_norm_forward_train", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const Pieces pieces(x, options.groups);
    const std::int64_t channels = pieces.channels;
    const double n = static_cast<double>(pieces.rows);
    // Sums are taken of x minus the group's first row: E[x^2] - E[x]^2 would cancel where the mean is large.
    Tensor shift = empty({options.groups, channels}, DType::f32);
    fill(shift, 0);
    for (std::int64_t g = 0; g < options.groups; ++g)
      kernels.sum_rows(elements<T>(x) + g * pieces.rows * channels, 1, channels, shift.data<float>() + g * channels);
    PartialSums sums(*this, pieces);
    pieces.for_each([&](std::int64_t g, std::int64_t piece, std::int64_t row, std::int64_t rows) {
      kernels.moments(elements<T>(x) + row * channels, shift.data<float>() + g * channels, rows, channels,
                      sums.first(piece), sums.second(piece));
    });
    Tensor scales = empty({options.groups, channels}, DType::f32), shifts = empty({options.groups, channels}, DType::f32);
    for (std::int64_t g = 0; g < options.groups; ++g)
      sums.totals(g, [&](std::int64_t c, double sum, double squares) {
        const std::int64_t i = g * channels + c;
        const double offset = sum / n, mean = static_cast<double>(shift.data<float>()[i]) + offset;
        const double var = std::max(squares / n - offset * offset, 0.0), inv_std = 1 / std::sqrt(var + options.eps);
        const double scale = static_cast<double>(gamma.data<float>()[c]) * inv_std;
        saved.mean.data<float>()[i] = static_cast<float>(mean);
        saved.inv_std.data<float>()[i] = static_cast<float>(inv_std);
        scales.data<float>()[i] = static_cast<float>(scale);
        shifts.data<float>()[i] = static_cast<float>(static_cast<double>(beta.data<float>()[c]) - mean * scale);
        const auto update = [&](float& running, double batch) {
          running = static_cast<float>((1 - options.momentum) * static_cast<double>(running) + options.momentum * batch);
        };
        update(running_mean.data<float>()[c], mean);
        update(running_var.data<float>()[c], n > 1 ? var * n / (n - 1) : var);
      });
    pieces.for_each([&](std::int64_t g, std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.normalize(elements<T>(x) + row * channels, residual ? elements<T>(residual) + row * channels : nullptr,
                        scales.data<float>() + g * channels, shifts.data<float>() + g * channels, options.relu, rows,
                        channels, elements<T>(y) + row * channels,
                        saved.mask ? saved.mask.data<std::uint8_t>() + row * saved.mask.dim(1) : nullptr);
    });
  });
}

void CpuBackend::batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                         const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                                         const Tensor& running_var, Tensor& y) {
  if (x.dtype() == DType::f64)
    return ReferenceBackend::batch_norm_forward_eval(options, x, residual, gamma, beta, running_mean, running_var, y);
  for_activation(kernels_, "batch_norm_forward_eval", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const Pieces pieces(x, 1);
    const std::int64_t channels = pieces.channels;
    std::vector<float> scale(static_cast<std::size_t>(channels)), shift(scale.size());
    for (std::size_t c = 0; c < scale.size(); ++c) {
      const double inv_std = 1 / std::sqrt(static_cast<double>(running_var.data<float>()[c]) + options.eps);
      const double factor = static_cast<double>(gamma.data<float>()[c]) * inv_std;
      scale[c] = static_cast<float>(factor);
      shift[c] = static_cast<float>(static_cast<double>(beta.data<float>()[c]) -
                                    static_cast<double>(running_mean.data<float>()[c]) * factor);
    }
    pieces.for_each([&](std::int64_t, std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.normalize(elements<T>(x) + row * channels, residual ? elements<T>(residual) + row * channels : nullptr,
                        scale.data(), shift.data(), options.relu, rows, channels, elements<T>(y) + row * channels,
                        nullptr);
    });
  });
}

void CpuBackend::batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x,
                                     const Tensor& gamma, const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual,
                                     Tensor& dgamma, Tensor& dbeta) {
  if (x.dtype() == DType::f64)
    return ReferenceBackend::batch_norm_backward(options, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
  for_activation(kernels_, "batch_norm_backward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const Pieces pieces(x, options.groups);
    const std::int64_t channels = pieces.channels;
    const auto mask_row = [&](std::int64_t row) {
      return saved.mask ? saved.mask.data<std::uint8_t>() + row * saved.mask.dim(1) : nullptr;
    };
    PartialSums sums(*this, pieces);
    pieces.for_each([&](std::int64_t g, std::int64_t piece, std::int64_t row, std::int64_t rows) {
      kernels.backward_sums(elements<T>(dy) + row * channels, elements<T>(x) + row * channels, mask_row(row),
                            saved.mean.data<float>() + g * channels, rows, channels, sums.first(piece),
                            sums.second(piece));
    });
    // dx = gamma inv_std (dy' - mean(dy') - x^ mean(dy' x^)) as a dy' + b x + d, with a, b, d by channel.
    Tensor coefficients = empty({3, options.groups, channels}, DType::f32);
    float* a = coefficients.data<float>();
    float *b = a + options.groups * channels, *d = b + options.groups * channels;
    fill(dgamma, 0);
    fill(dbeta, 0);
    for (std::int64_t g = 0; g < options.groups; ++g)
      sums.totals(g, [&](std::int64_t c, double sum_dy, double sum_dy_x) {
        const std::int64_t i = g * channels + c;
        const double n = static_cast<double>(pieces.rows), inv_std = static_cast<double>(saved.inv_std.data<float>()[i]);
        const double mean = static_cast<double>(saved.mean.data<float>()[i]);
        const double scale = static_cast<double>(gamma.data<float>()[c]) * inv_std;
        const double slope = -scale * inv_std * inv_std * sum_dy_x / n;
        a[i] = static_cast<float>(scale);
        b[i] = static_cast<float>(slope);
        d[i] = static_cast<float>(-scale * sum_dy / n - slope * mean);
        dbeta.data<float>()[c] += static_cast<float>(sum_dy);
        dgamma.data<float>()[c] += static_cast<float>(sum_dy_x * inv_std);
      });
    pieces.for_each([&](std::int64_t g, std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.backward_apply(elements<T>(dy) + row * channels, elements<T>(x) + row * channels, mask_row(row),
                             a + g * channels, b + g * channels, d + g * channels, rows, channels,
                             elements<T>(dx) + row * channels,
                             dresidual ? elements<T>(dresidual) + row * channels : nullptr);
    });
  });
}

}  // namespace tandem::cpu
