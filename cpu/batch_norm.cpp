// Batch normalisation, f32 and bf16. Each piece of the rows is summed in f32, and the pieces are combined in f64, in
// order. Their number depends on the shape alone, so the result does not depend on the number of threads.

#include <array>
#include <cmath>
#include <vector>

#include "cpu/activation.h"
#include "cpu/cpu_backend.h"

namespace tandem::cpu {
namespace {

/// How the rows of x are cut: into groups, and each group into pieces. The columns of a piece are summed in f32.
struct Pieces {
  Threads& threads;
  std::int64_t groups, rows, channels, rows_per_piece, pieces_per_group;

  Pieces(Threads& workers, const Tensor& x, std::int64_t group_count)
      : threads(workers), groups(group_count), rows(x.size() / x.dim(3) / group_count), channels(x.dim(3)) {
    constexpr std::int64_t kMost = 64, kLeast = 64;  // pieces per group, rows per piece: bound the memory of the sums
    rows_per_piece = std::max(kLeast, (rows + kMost - 1) / kMost);
    pieces_per_group = (rows + rows_per_piece - 1) / rows_per_piece;
  }

  std::int64_t count() const { return groups * pieces_per_group; }
  /// Rows in the group's piece of that number.
  std::int64_t rows_of(std::int64_t piece) const { return std::min(rows_per_piece, rows - piece * rows_per_piece); }

  /// Calls body(group, index of the piece, first row, number of rows) for each piece, on all threads, backwards. The
  /// previous op wrote the matrix forwards, and the next pass goes through it forwards: both passes find more of it in
  /// the cache.
  template <class Body>
  void for_each_piece(const Body& body) const {
    threads.for_each_backwards(count(), [&](std::int64_t piece, int) {
      const std::int64_t group = piece / pieces_per_group, of_group = piece % pieces_per_group;
      body(group, piece, group * rows + of_group * rows_per_piece, rows_of(of_group));
    });
  }

  /// Calls body(group, first row, number of rows), on all threads, for runs of rows of about kGrain elements.
  template <class Body>
  void for_each_run(const Body& body) const {
    const std::int64_t rows_per_run = std::max<std::int64_t>(1, kGrain / channels),
                       runs = (rows + rows_per_run - 1) / rows_per_run;
    threads.for_each(groups * runs, [&](std::int64_t i, int) {
      const std::int64_t group = i / runs, first = i % runs * rows_per_run;
      body(group, group * rows + first, std::min(rows_per_run, rows - first));
    });
  }

  /// Calls body(first channel, number of channels) for strips of at most kStrip channels, on all threads.
  template <class Body>
  void for_each_strip(const Body& body) const {
    parallel_pieces(threads, channels, kStrip, [&](std::int64_t begin, std::int64_t end) { body(begin, end - begin); });
  }

  /// Channels whose partial sums are combined together.
  static constexpr std::int64_t kStrip = 64;
};

/// A few numbers per channel for each piece: (pieces, kinds, C).
class PieceSums {
 public:
  PieceSums(Backend& backend, const Pieces& pieces, std::int64_t kinds)
      : kinds_(kinds),
        channels_(pieces.channels),
        sums_(backend.empty({pieces.count(), kinds, pieces.channels}, DType::f32)) {}
  float* operator()(std::int64_t piece, std::int64_t kind) {
    return sums_.data<float>() + (piece * kinds_ + kind) * channels_;
  }

 private:
  std::int64_t kinds_, channels_;
  Tensor sums_;
};

using Strip = std::array<double, Pieces::kStrip>;

/// Means and biased variances of a group's channels [c, c + n) from each piece's shift m, sum of x - m, and sum of
/// (x - m)^2, m being a value of the piece. Nothing cancels: Chan, Golub, LeVeque 1983.
void combine(const Pieces& pieces, PieceSums& sums, std::int64_t group, std::int64_t c, std::int64_t n, Strip& mean,
             Strip& var) {
  const double total = static_cast<double>(pieces.rows);
  const auto each = [&](const auto& body) {
    for (std::int64_t piece = 0; piece < pieces.pieces_per_group; ++piece) {
      const double rows = static_cast<double>(pieces.rows_of(piece));
      const std::int64_t at = group * pieces.pieces_per_group + piece;
      const float *shift = sums(at, 0) + c, *first = sums(at, 1) + c, *second = sums(at, 2) + c;
      for (std::int64_t i = 0; i < n; ++i)
        body(static_cast<std::size_t>(i), rows, static_cast<double>(shift[i]), static_cast<double>(first[i]),
             static_cast<double>(second[i]));
    }
  };
  mean.fill(0);
  var.fill(0);
  each([&](std::size_t i, double rows, double m, double first, double) { mean[i] += (rows * m + first) / total; });
  each([&](std::size_t i, double rows, double m, double first, double second) {
    const double d = m - mean[i];
    var[i] += (second + 2 * first * d + rows * d * d) / total;
  });
  for (double& v : var) v = std::max(v, 0.0);
}

/// From the pieces' sums of channels [c, c + n) to the statistics saved for the gradient, scale = gamma * inv_std (G,
/// C), and the running statistics' update.
void finish_statistics(const BatchNormOptions& options, const Pieces& pieces, PieceSums& sums, std::int64_t c,
                       std::int64_t n, const float* gamma, float* running_mean, float* running_var,
                       BatchNormSaved& saved, float* scale) {
  const double rows = static_cast<double>(pieces.rows), unbiased = rows > 1 ? rows / (rows - 1) : 1;
  const auto update = [&options](float& running, double batch) {
    running = static_cast<float>((1 - options.momentum) * static_cast<double>(running) + options.momentum * batch);
  };
  Strip mean, var;
  for (std::int64_t g = 0; g < pieces.groups; ++g) {
    combine(pieces, sums, g, c, n, mean, var);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const std::int64_t at = g * pieces.channels + c + i;
      const double inv_std = 1 / std::sqrt(var[k] + options.eps);
      saved.mean.data<float>()[at] = static_cast<float>(mean[k]);
      saved.inv_std.data<float>()[at] = static_cast<float>(inv_std);
      scale[at] = static_cast<float>(static_cast<double>(gamma[c + i]) * inv_std);
      update(running_mean[c + i], mean[k]);
      update(running_var[c + i], var[k] * unbiased);
    }
  }
}

/// The running statistics in the batch's place: what is saved for the gradient, and scale (G, C).
void take_running_statistics(const BatchNormOptions& options, const Tensor& gamma, const Tensor& running_mean,
                             const Tensor& running_var, BatchNormSaved& saved, Tensor& scale) {
  const std::int64_t channels = gamma.size();
  for (std::int64_t i = 0; i < options.groups * channels; ++i) {
    const std::int64_t c = i % channels;
    const double inv_std = 1 / std::sqrt(static_cast<double>(running_var.data<float>()[c]) + options.eps);
    saved.mean.data<float>()[i] = running_mean.data<float>()[c];
    saved.inv_std.data<float>()[i] = static_cast<float>(inv_std);
    scale.data<float>()[i] = static_cast<float>(static_cast<double>(gamma.data<float>()[c]) * inv_std);
  }
}

/// What turns dy into dx, each (G, C): dx = scale * (dy' - mean_dy + (x - mean) * slope).
struct Slopes {
  Tensor scale, mean_dy, slope;
};

/// From the pieces' sums of dy' and dy' (x - mean) of channels [c, c + n) to dgamma, dbeta and the slopes, of which
/// slope = -inv_std^2 mean(dy' (x - mean)). With fixed statistics the means count as 0.
void finish_gradients(const BatchNormOptions& options, const Pieces& pieces, PieceSums& sums, std::int64_t c,
                      std::int64_t n, const float* gamma, const float* inv_stds, float* dgamma, float* dbeta,
                      Slopes& slopes) {
  const double rows = static_cast<double>(pieces.rows);
  const auto mean = [&](double sum) { return options.fixed_statistics ? 0 : sum / rows; };
  Strip dgammas{}, dbetas{};
  for (std::int64_t g = 0; g < pieces.groups; ++g) {
    Strip sum_dy{}, sum_dy_x{};
    for (std::int64_t piece = g * pieces.pieces_per_group; piece < (g + 1) * pieces.pieces_per_group; ++piece)
      for (std::int64_t i = 0; i < n; ++i) {
        sum_dy[static_cast<std::size_t>(i)] += static_cast<double>(sums(piece, 0)[c + i]);
        sum_dy_x[static_cast<std::size_t>(i)] += static_cast<double>(sums(piece, 1)[c + i]);
      }
    for (std::int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const std::int64_t at = g * pieces.channels + c + i;
      const double inv_std = static_cast<double>(inv_stds[at]);
      slopes.scale.data<float>()[at] = static_cast<float>(static_cast<double>(gamma[c + i]) * inv_std);
      slopes.mean_dy.data<float>()[at] = static_cast<float>(mean(sum_dy[k]));
      slopes.slope.data<float>()[at] = static_cast<float>(mean(-inv_std * inv_std * sum_dy_x[k]));
      dbetas[k] += sum_dy[k];
      dgammas[k] += sum_dy_x[k] * inv_std;
    }
  }
  for (std::int64_t i = 0; i < n; ++i) {
    dgamma[c + i] = static_cast<float>(dgammas[static_cast<std::size_t>(i)]);
    dbeta[c + i] = static_cast<float>(dbetas[static_cast<std::size_t>(i)]);
  }
}

}  // namespace

void CpuBackend::batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                          const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                                          Tensor& running_var, Tensor& y, BatchNormSaved& saved) {
  const KernelScope scope(*this, "batch_norm_forward_train", [&] {
    return activation_work(x, residual, {&x, &x, &residual, &y, &saved.mask});
  });
  for_activation(kernels_, "batch_norm_forward_train", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const Pieces pieces(threads(), x, options.groups);
    const std::int64_t channels = pieces.channels;
    Tensor scales = empty({options.groups, channels}, DType::f32);
    if (options.fixed_statistics) {
      take_running_statistics(options, gamma, running_mean, running_var, saved, scales);
    } else {
      PieceSums sums(*this, pieces, 3);
      pieces.for_each_piece([&](std::int64_t, std::int64_t piece, std::int64_t row, std::int64_t rows) {
        kernels.moments(elements<T>(x) + row * channels, rows, channels, sums(piece, 0), sums(piece, 1),
                        sums(piece, 2));
      });
      pieces.for_each_strip([&](std::int64_t c, std::int64_t n) {
        finish_statistics(options, pieces, sums, c, n, gamma.data<float>(), running_mean.data<float>(),
                          running_var.data<float>(), saved, scales.data<float>());
      });
    }
    pieces.for_each_run([&](std::int64_t g, std::int64_t row, std::int64_t rows) {
      kernels.normalize(elements<T>(x) + row * channels, residual ? elements<T>(residual) + row * channels : nullptr,
                        saved.mean.data<float>() + g * channels, scales.data<float>() + g * channels,
                        beta.data<float>(), options.relu, rows, channels, elements<T>(y) + row * channels,
                        saved.mask ? saved.mask.data<std::uint8_t>() + row * saved.mask.dim(1) : nullptr, is_large(y));
    });
  });
}

void CpuBackend::batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                         const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                                         const Tensor& running_var, Tensor& y) {
  const KernelScope scope(*this, "batch_norm_forward_eval", [&] {
    return activation_work(x, residual, {&x, &residual, &y});
  });
  for_activation(kernels_, "batch_norm_forward_eval", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const Pieces pieces(threads(), x, 1);
    const std::int64_t channels = pieces.channels;
    std::vector<float> scale(static_cast<std::size_t>(channels));
    for (std::size_t c = 0; c < scale.size(); ++c) {
      const double deviation = std::sqrt(static_cast<double>(running_var.data<float>()[c]) + options.eps);
      scale[c] = static_cast<float>(static_cast<double>(gamma.data<float>()[c]) / deviation);
    }
    pieces.for_each_run([&](std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.normalize(elements<T>(x) + row * channels, residual ? elements<T>(residual) + row * channels : nullptr,
                        running_mean.data<float>(), scale.data(), beta.data<float>(), options.relu, rows, channels,
                        elements<T>(y) + row * channels, nullptr, is_large(y));
    });
  });
}

void CpuBackend::batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x,
                                     const Tensor& gamma, const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual,
                                     Tensor& dgamma, Tensor& dbeta) {
  const KernelScope scope(*this, "batch_norm_backward", [&] {
    return activation_work(x, dresidual, {&dy, &x, &saved.mask, &dy, &x, &saved.mask, &dx, &dresidual});
  });
  for_activation(kernels_, "batch_norm_backward", x.dtype(), [&](const auto& kernels, auto type) {
    using T = decltype(type);
    const Pieces pieces(threads(), x, options.groups);
    const std::int64_t channels = pieces.channels;
    const auto mask_row = [&](std::int64_t row) {
      return saved.mask ? saved.mask.data<std::uint8_t>() + row * saved.mask.dim(1) : nullptr;
    };
    PieceSums sums(*this, pieces, 2);
    pieces.for_each_piece([&](std::int64_t g, std::int64_t piece, std::int64_t row, std::int64_t rows) {
      kernels.backward_sums(elements<T>(dy) + row * channels, elements<T>(x) + row * channels, mask_row(row),
                            saved.mean.data<float>() + g * channels, rows, channels, sums(piece, 0), sums(piece, 1));
    });
    const Shape shape{options.groups, channels};
    Slopes slopes{empty(shape, DType::f32), empty(shape, DType::f32), empty(shape, DType::f32)};
    pieces.for_each_strip([&](std::int64_t c, std::int64_t n) {
      finish_gradients(options, pieces, sums, c, n, gamma.data<float>(), saved.inv_std.data<float>(),
                       dgamma.data<float>(), dbeta.data<float>(), slopes);
    });
    pieces.for_each_run([&](std::int64_t g, std::int64_t row, std::int64_t rows) {
      const auto of_group = [&](const Tensor& t) { return t.data<float>() + g * channels; };
      const BatchNormGradient coefficients{of_group(saved.mean), of_group(slopes.scale), of_group(slopes.mean_dy),
                                           of_group(slopes.slope)};
      kernels.backward_apply(elements<T>(dy) + row * channels, elements<T>(x) + row * channels, mask_row(row),
                             coefficients, rows, channels, elements<T>(dx) + row * channels,
                             dresidual ? elements<T>(dresidual) + row * channels : nullptr, is_large(dx));
    });
  });
}

}  // namespace tandem::cpu
