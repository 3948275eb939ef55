// Batch normalisation, f32 and bf16. Sums are taken piece by piece in f32 and combined in f64, in the order of the
// pieces, whose number depends on the shape alone: so the result does not depend on the number of threads.

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
      body(group, i, group * rows + first, rows_of(i % a_group));
    }
  }
  /// Rows in the group's piece of that number.
  std::int64_t rows_of(std::int64_t piece) const { return std::min(rows_a_piece, rows - piece * rows_a_piece); }
};

/// A few numbers a channel for each piece: (pieces, kinds, C), zeros at first.
class PieceSums {
 public:
  PieceSums(Backend& backend, const Pieces& pieces, std::int64_t kinds)
      : kinds_(kinds),
        channels_(pieces.channels),
        sums_(backend.empty({pieces.groups * pieces.a_group, kinds, pieces.channels}, DType::f32)) {
    backend.fill(sums_, 0);
  }
  float* operator()(std::int64_t piece, std::int64_t kind) {
    return sums_.data<float>() + (piece * kinds_ + kind) * channels_;
  }

 private:
  std::int64_t kinds_, channels_;
  Tensor sums_;
};

struct Moments {
  double mean, var;
};

/// Mean and biased variance of a channel in a group from each piece's centre m, sum of x - m, and sum of (x - m)^2,
/// where m is near the piece's mean. Nothing cancels: Chan, Golub, LeVeque 1983.
Moments combine(const Pieces& pieces, PieceSums& sums, std::int64_t group, std::int64_t c) {
  const auto each = [&](const auto& body) {
    for (std::int64_t i = group * pieces.a_group; i < (group + 1) * pieces.a_group; ++i) {
      const auto at = [&](std::int64_t kind) { return static_cast<double>(sums(i, kind)[c]); };
      body(static_cast<double>(pieces.rows_of(i % pieces.a_group)), at(0), at(1), at(2));
    }
  };
  double sum = 0, squares = 0;
  each([&](double n, double m, double first, double) { sum += n * m + first; });
  const double total = static_cast<double>(pieces.rows), mean = sum / total;
  each([&](double n, double m, double first, double second) {
    const double d = m - mean;
    squares += second + 2 * first * d + n * d * d;
  });
  return {mean, std::max(squares / total, 0.0)};
}

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
    PieceSums sums(*this, pieces, 3);
    pieces.for_each([&](std::int64_t, std::int64_t piece, std::int64_t row, std::int64_t rows) {
      // Twice over the piece, which the second time is in the cache: first its mean, then the moments about it.
      const T* begin = elements<T>(x) + row * channels;
      float* centre = sums(piece, 0);
      kernels.sum_rows(begin, rows, channels, centre);
      for (std::int64_t c = 0; c < channels; ++c) centre[c] /= static_cast<float>(rows);
      kernels.moments(begin, centre, rows, channels, sums(piece, 1), sums(piece, 2));
    });
    Tensor scales = empty({options.groups, channels}, DType::f32);
    for (std::int64_t g = 0; g < options.groups; ++g)
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t i = g * channels + c;
        const auto [mean, var] = combine(pieces, sums, g, c);
        const double inv_std = 1 / std::sqrt(var + options.eps);
        saved.mean.data<float>()[i] = static_cast<float>(mean);
        saved.inv_std.data<float>()[i] = static_cast<float>(inv_std);
        scales.data<float>()[i] = static_cast<float>(static_cast<double>(gamma.data<float>()[c]) * inv_std);
        const auto update = [&options](float& running, double batch) {
          running =
              static_cast<float>((1 - options.momentum) * static_cast<double>(running) + options.momentum * batch);
        };
        update(running_mean.data<float>()[c], mean);
        update(running_var.data<float>()[c], n > 1 ? var * n / (n - 1) : var);
      }
    pieces.for_each([&](std::int64_t g, std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.normalize(elements<T>(x) + row * channels, residual ? elements<T>(residual) + row * channels : nullptr,
                        saved.mean.data<float>() + g * channels, scales.data<float>() + g * channels,
                        beta.data<float>(), options.relu, rows, channels, elements<T>(y) + row * channels,
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
    std::vector<float> scale(static_cast<std::size_t>(channels));
    for (std::size_t c = 0; c < scale.size(); ++c) {
      const double deviation = std::sqrt(static_cast<double>(running_var.data<float>()[c]) + options.eps);
      scale[c] = static_cast<float>(static_cast<double>(gamma.data<float>()[c]) / deviation);
    }
    pieces.for_each([&](std::int64_t, std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.normalize(elements<T>(x) + row * channels, residual ? elements<T>(residual) + row * channels : nullptr,
                        running_mean.data<float>(), scale.data(), beta.data<float>(), options.relu, rows, channels,
                        elements<T>(y) + row * channels, nullptr);
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
    PieceSums sums(*this, pieces, 2);
    pieces.for_each([&](std::int64_t g, std::int64_t piece, std::int64_t row, std::int64_t rows) {
      kernels.backward_sums(elements<T>(dy) + row * channels, elements<T>(x) + row * channels, mask_row(row),
                            saved.mean.data<float>() + g * channels, rows, channels, sums(piece, 0), sums(piece, 1));
    });
    // dx = scale * (dy' - mean_dy + (x - mean) * slope), slope = -inv_std^2 mean(dy' (x - mean))
    Tensor scale = empty({options.groups, channels}, DType::f32),
           mean_dy = empty({options.groups, channels}, DType::f32);
    Tensor slope = empty({options.groups, channels}, DType::f32);
    fill(dgamma, 0);
    fill(dbeta, 0);
    for (std::int64_t g = 0; g < options.groups; ++g)
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t i = g * channels + c;
        double sum_dy = 0, sum_dy_x = 0;
        for (std::int64_t piece = g * pieces.a_group; piece < (g + 1) * pieces.a_group; ++piece) {
          sum_dy += static_cast<double>(sums(piece, 0)[c]);
          sum_dy_x += static_cast<double>(sums(piece, 1)[c]);
        }
        const double n = static_cast<double>(pieces.rows),
                     inv_std = static_cast<double>(saved.inv_std.data<float>()[i]);
        scale.data<float>()[i] = static_cast<float>(static_cast<double>(gamma.data<float>()[c]) * inv_std);
        mean_dy.data<float>()[i] = static_cast<float>(sum_dy / n);
        slope.data<float>()[i] = static_cast<float>(-inv_std * inv_std * sum_dy_x / n);
        dbeta.data<float>()[c] += static_cast<float>(sum_dy);
        dgamma.data<float>()[c] += static_cast<float>(sum_dy_x * inv_std);
      }
    pieces.for_each([&](std::int64_t g, std::int64_t, std::int64_t row, std::int64_t rows) {
      const BatchNormGradient coefficients{saved.mean.data<float>() + g * channels, scale.data<float>() + g * channels,
                                           mean_dy.data<float>() + g * channels, slope.data<float>() + g * channels};
      kernels.backward_apply(elements<T>(dy) + row * channels, elements<T>(x) + row * channels, mask_row(row),
                             coefficients, rows, channels, elements<T>(dx) + row * channels,
                             dresidual ? elements<T>(dresidual) + row * channels : nullptr);
    });
  });
}

}  // namespace tandem::cpu
