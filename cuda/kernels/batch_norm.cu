#include "cuda/kernels/batch_norm.h"

#include "cuda/kernels/normalize.h"
#include "cuda/kernels/support/columns.cuh"
#include "cuda/kernels/support/launch.cuh"

namespace tandem::cuda::kernels {
namespace {

// What both passes share. -------------------------------------------------------------------------------------------

constexpr int kMoments = 3;    // numbers per channel and piece: shift, sum, squares
constexpr int kGradients = 2;  // sum of dy', sum of dy' (x - mean)

/// The rows of a group, cut for the sums: about four blocks per multiprocessor, all resident at once. No thread adds up
/// more than kMostRows, which bounds the error of its f32 sums.
Pieces cut_for_sums(const Queue& queue, const BatchNormShape& shape, int each) {
  constexpr std::int64_t kMostRows = 512;
  const Strips strips(shape.channels);
  const std::int64_t rows = shape.rows / shape.groups;
  const std::int64_t resident = std::int64_t{queue.multiprocessors} * 4 / (strips.count * shape.groups);
  return {rows, strips.down, each, std::max(resident, ceil_div(rows, strips.down * kMostRows))};
}

dim3 grid_of(const BatchNormShape& shape, const Pieces& cut) {
  return dim3(static_cast<unsigned>(Strips(shape.channels).count), static_cast<unsigned>(cut.pieces),
              static_cast<unsigned>(shape.groups));
}

dim3 finish_grid(const BatchNormShape& shape) {
  return dim3(static_cast<unsigned>(ceil_div(shape.channels, kColumns)));
}

/// Partial sums (G, pieces, kinds, C).
template <class Float>
__host__ __device__ Float* partial(Float* sums, const Pieces& cut, int kinds, std::int64_t channels, std::int64_t group,
                                   int piece, int kind) {
  return sums + ((group * cut.pieces + piece) * kinds + kind) * channels;
}

// Forward. ----------------------------------------------------------------------------------------------------------

/// The pieces' moments about their own first rows. The chunks are taken from the last to the first: the end of x, which
/// the previous op wrote last, is still in the cache, and the next pass finds the beginning there.
template <class T, bool kAligned>
__global__ void __launch_bounds__(kThreads, 4)
    moments_kernel(const T* x, const __grid_constant__ Pieces cut, int channels, float* sums) {
  constexpr int kRows = kPacksInFlight<T, 1>;
  const ThreadChannels mine(channels);
  const std::int64_t group = blockIdx.z, down = blockDim.y;
  const int piece = static_cast<int>(blockIdx.y), count = kAligned && mine.count > 0 ? kPack : mine.count;
  x += group * cut.rows * channels + mine.first;
  float shift[kPack] = {}, moments[2][kPack] = {};
  if (mine.count > 0) {
    to_floats(load_pack<kAligned>(x + static_cast<std::int64_t>(piece) * cut.height * channels, count), shift);
    for (std::int64_t chunk = cut.last_chunk(piece); chunk >= 0; chunk -= cut.pieces) {
      const std::int64_t first = chunk * cut.height + threadIdx.y;
      Pack<T> packs[kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r)
        if (first + r * down < cut.rows) packs[r] = load_pack<kAligned>(x + (first + r * down) * channels, count);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        if (first + r * down >= cut.rows) continue;
        float values[kPack];
        to_floats(packs[r], values);
#pragma unroll
        for (int i = 0; i < kPack; ++i) {
          const float d = values[i] - shift[i];
          moments[0][i] += d;
          moments[1][i] = fmaf(d, d, moments[1][i]);
        }
      }
    }
    if (threadIdx.y == 0) {
      float* const shifts = partial(sums, cut, kMoments, channels, group, piece, 0) + mine.first;
#pragma unroll
      for (int i = 0; i < kPack; ++i)
        if (i < mine.count) shifts[i] = shift[i];
    }
  }
  reduce_columns(moments, channels, [&](int kind, int channel, float sum) {
    partial(sums, cut, kMoments, channels, group, piece, 1 + kind)[channel] = sum;
  });
}

__device__ void update_running(float& running, double momentum, double batch) {
  running = static_cast<float>((1 - momentum) * static_cast<double>(running) + momentum * batch);
}

/// From the pieces' moments to the statistics of each group, and the running ones. All moments are moved to the first
/// piece's shift in f64, which is precise enough for any f32 input.
__global__ void __launch_bounds__(kThreads)
    finish_moments_kernel(const float* sums, const __grid_constant__ Pieces cut, int channels, int groups, double eps,
                          double momentum, float* running_mean, float* running_var, float* mean, float* inv_std) {
  const int channel = static_cast<int>(blockIdx.x * kColumns + threadIdx.x);
  const bool exists = channel < channels;
  const double rows = static_cast<double>(cut.rows);
  for (int group = 0; group < groups; ++group) {
    const auto at = [&](int piece, int kind) {
      return static_cast<double>(partial(sums, cut, kMoments, channels, group, piece, kind)[channel]);
    };
    const double origin = exists ? at(0, 0) : 0;
    double first = 0, second = 0;
    if (exists)
#pragma unroll 4
      for (int piece = static_cast<int>(threadIdx.y); piece < cut.pieces; piece += kLanes) {
        const double n = static_cast<double>(cut.rows_of(piece)), d = at(piece, 0) - origin, sum = at(piece, 1);
        first += sum + n * d;
        second += at(piece, 2) + (2 * sum + n * d) * d;
      }
    first = sum_lanes(first) / rows;
    second = sum_lanes(second) / rows;
    if (!exists || threadIdx.y > 0) continue;
    const double batch_mean = origin + first;
    double var = second - first * first;
    if (var < 0) var = 0;  // NaN stays NaN
    const int i = group * channels + channel;
    mean[i] = static_cast<float>(batch_mean);
    inv_std[i] = static_cast<float>(1 / sqrt(var + eps));
    update_running(running_mean[channel], momentum, batch_mean);
    update_running(running_var[channel], momentum, rows > 1 ? var * (rows / (rows - 1)) : var);
  }
}

/// The running statistics as those of each group.
__global__ void __launch_bounds__(kThreads)
    take_running_kernel(const float* running_mean, const float* running_var, int channels, int groups, double eps,
                        float* mean, float* inv_std) {
  const int channel = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (channel >= channels) return;
  for (int group = 0; group < groups; ++group) {
    mean[group * channels + channel] = running_mean[channel];
    inv_std[group * channels + channel] = static_cast<float>(1 / sqrt(static_cast<double>(running_var[channel]) + eps));
  }
}

// Backward. ---------------------------------------------------------------------------------------------------------

/// dy where the mask's bits are set.
template <class T, bool kMask>
__device__ __forceinline__ void masked(const Pack<T>& dy, unsigned bits, float (&values)[kPack]) {
  to_floats(dy, values);
  if constexpr (kMask) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) values[i] = (bits >> i & 1U) != 0 ? values[i] : 0;
  }
}

template <class T, bool kAligned, bool kMask>
__global__ void __launch_bounds__(kThreads, 4)
    gradient_sums_kernel(const T* dy, const T* x, const std::uint8_t* mask, const float* mean,
                         const __grid_constant__ Pieces cut, int channels, float* sums) {
  constexpr int kRows = kPacksInFlight<T, 2>;
  const ThreadChannels mine(channels);
  const std::int64_t group = blockIdx.z, base = group * cut.rows, down = blockDim.y;
  const int bytes = (channels + kPack - 1) / kPack, piece = static_cast<int>(blockIdx.y);
  const int count = kAligned && mine.count > 0 ? kPack : mine.count;
  dy += base * channels + mine.first;
  x += base * channels + mine.first;
  if constexpr (kMask) mask += base * bytes + mine.first / kPack;
  float total[2][kPack] = {};
  if (mine.count > 0) {
    float means[kPack];
    read_channels(mean + group * channels, mine, means);
    for (std::int64_t chunk = cut.last_chunk(piece); chunk >= 0; chunk -= cut.pieces) {
      const std::int64_t first = chunk * cut.height + threadIdx.y;
      Pack<T> dys[kRows], xs[kRows];
      unsigned bits[kRows] = {};
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const std::int64_t row = first + r * down;
        if (row >= cut.rows) continue;
        dys[r] = load_pack<kAligned>(dy + row * channels, count);
        xs[r] = load_pack<kAligned>(x + row * channels, count);
        if constexpr (kMask) bits[r] = mask[row * bytes];
      }
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        if (first + r * down >= cut.rows) continue;
        float d[kPack], values[kPack];
        masked<T, kMask>(dys[r], bits[r], d);
        to_floats(xs[r], values);
#pragma unroll
        for (int i = 0; i < kPack; ++i) {
          total[0][i] += d[i];
          total[1][i] = fmaf(d[i], values[i] - means[i], total[1][i]);
        }
      }
    }
  }
  reduce_columns(total, channels, [&](int kind, int channel, float sum) {
    partial(sums, cut, kGradients, channels, group, piece, kind)[channel] = sum;
  });
}

/// What turns dy' into dx, each (G, C): dx = scale * (dy' - mean_dy + (x - mean) * slope), scale = gamma * inv_std.
struct Slopes {
  float *mean_dy, *slope;
};

__global__ void __launch_bounds__(kThreads)
    finish_gradients_kernel(const float* sums, const __grid_constant__ Pieces cut, int channels, int groups,
                            const float* inv_std, bool fixed_statistics, float* dgamma, float* dbeta, Slopes slopes) {
  const int channel = static_cast<int>(blockIdx.x * kColumns + threadIdx.x);
  const bool exists = channel < channels;
  const double rows = static_cast<double>(cut.rows);
  double total_dgamma = 0, total_dbeta = 0;
  for (int group = 0; group < groups; ++group) {
    double sum_dy = 0, sum_dy_x = 0;
    if (exists)
#pragma unroll 4
      for (int piece = static_cast<int>(threadIdx.y); piece < cut.pieces; piece += kLanes) {
        sum_dy += static_cast<double>(partial(sums, cut, kGradients, channels, group, piece, 0)[channel]);
        sum_dy_x += static_cast<double>(partial(sums, cut, kGradients, channels, group, piece, 1)[channel]);
      }
    sum_dy = sum_lanes(sum_dy);
    sum_dy_x = sum_lanes(sum_dy_x);
    if (!exists || threadIdx.y > 0) continue;
    const int i = group * channels + channel;
    const double inverse = static_cast<double>(inv_std[i]);
    slopes.mean_dy[i] = fixed_statistics ? 0 : static_cast<float>(sum_dy / rows);
    slopes.slope[i] = fixed_statistics ? 0 : static_cast<float>(-inverse * inverse * sum_dy_x / rows);
    total_dbeta += sum_dy;
    total_dgamma += sum_dy_x * inverse;
  }
  if (!exists || threadIdx.y > 0) return;
  dgamma[channel] = static_cast<float>(total_dgamma);
  dbeta[channel] = static_cast<float>(total_dbeta);
}

template <class T, bool kAligned, bool kMask, bool kResidual>
__global__ void __launch_bounds__(kThreads, 3)
    gradient_kernel(const __grid_constant__ BatchNormBackward a, Slopes slopes, const __grid_constant__ Pieces cut,
                    int channels) {
  constexpr int kRows = kPacksInFlight<T, 2>;
  const ThreadChannels mine(channels);
  if (mine.count == 0) return;
  const std::int64_t group = blockIdx.z, base = group * cut.rows, down = blockDim.y,
                     offset = base * channels + mine.first;
  const int bytes = (channels + kPack - 1) / kPack, count = kAligned ? kPack : mine.count;
  const T *const dy = static_cast<const T*>(a.dy) + offset, *const x = static_cast<const T*>(a.x) + offset;
  T* const dx = static_cast<T*>(a.dx) + offset;
  T* const dresidual = kResidual ? static_cast<T*>(a.dresidual) + offset : nullptr;
  const std::uint8_t* const mask = kMask ? a.mask + base * bytes + mine.first / kPack : nullptr;

  float mean[kPack], scale[kPack], slope[kPack], constant[kPack];
  read_channels(a.mean + group * channels, mine, mean);
  read_channels(a.gamma, mine, scale);
  read_channels(slopes.slope + group * channels, mine, slope);
  read_channels(slopes.mean_dy + group * channels, mine, constant);
  {
    float inv_std[kPack];
    read_channels(a.inv_std + group * channels, mine, inv_std);
#pragma unroll
    for (int i = 0; i < kPack; ++i) scale[i] *= inv_std[i];
  }

  for (std::int64_t chunk = blockIdx.y; chunk < cut.chunks; chunk += cut.pieces) {
    const std::int64_t first = chunk * cut.height + threadIdx.y;
    Pack<T> dys[kRows], xs[kRows];
    unsigned bits[kRows] = {};
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t row = first + r * down;
      if (row >= cut.rows) continue;
      dys[r] = load_pack<kAligned>(dy + row * channels, count);
      xs[r] = load_pack<kAligned>(x + row * channels, count);
      if constexpr (kMask) bits[r] = mask[row * bytes];
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t row = first + r * down;
      if (row >= cut.rows) continue;
      float d[kPack], values[kPack];
      masked<T, kMask>(dys[r], bits[r], d);
      to_floats(xs[r], values);
#pragma unroll
      for (int i = 0; i < kPack; ++i) values[i] = scale[i] * fmaf(values[i] - mean[i], slope[i], d[i] - constant[i]);
      if constexpr (kResidual) store_pack<kAligned>(from_floats<T>(d), dresidual + row * channels, count);
      store_pack<kAligned>(from_floats<T>(values), dx + row * channels, count);
    }
  }
}

/// The batch's statistics, and the running ones' update.
void take_statistics(const Queue& queue, Element type, const BatchNormShape& shape, double eps, double momentum,
                     const BatchNormForward& a, float* sums) {
  const int channels = static_cast<int>(shape.channels);
  Pieces cut;
  with_type(type, [&](auto element) {
    using T = decltype(element);
    cut = cut_for_sums(queue, shape, kPacksInFlight<T, 1>);
    with_flags(
        [&](auto is_aligned) {
          launch(queue, grid_of(shape, cut), Strips(channels).block(), moments_kernel<T, decltype(is_aligned)::value>,
                 static_cast<const T*>(a.x), cut, channels, sums);
        },
        channels % kPack == 0 && aligned({a.x}));
  });
  launch(queue, finish_grid(shape), dim3(kColumns, kLanes), finish_moments_kernel, sums, cut, channels,
         static_cast<int>(shape.groups), eps, momentum, a.running_mean, a.running_var, a.mean, a.inv_std);
}

}  // namespace

std::size_t batch_norm_workspace(const Queue& queue, const BatchNormShape& shape) {
  // f32 has the fewest rows per chunk, and so the most pieces.
  const std::int64_t pieces = cut_for_sums(queue, shape, kPacksInFlight<float, 2>).pieces;
  const std::int64_t floats = shape.groups * shape.channels * (kMoments * pieces + 2);
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void batch_norm_forward_train(const Queue& queue, Element type, const BatchNormShape& shape, double eps,
                              double momentum, const BatchNormForward& a, void* workspace) {
  if (shape.rows * shape.channels == 0) return;
  if (a.fixed_statistics)
    launch(queue, dim3(static_cast<unsigned>(ceil_div(shape.channels, kThreads))), dim3(kThreads), take_running_kernel,
           a.running_mean, a.running_var, static_cast<int>(shape.channels), static_cast<int>(shape.groups), eps, a.mean,
           a.inv_std);
  else
    take_statistics(queue, type, shape, eps, momentum, a, static_cast<float*>(workspace));
  normalize(queue, type,
            {.groups = shape.groups,
             .rows = shape.rows / shape.groups,
             .channels = shape.channels,
             .x = a.x,
             .residual = a.residual,
             .mean = a.mean,
             .spread = a.inv_std,
             .gamma = a.gamma,
             .shift = a.beta,
             .relu = a.mask != nullptr,
             .y = a.y,
             .mask = a.mask});
}

void batch_norm_forward_eval(const Queue& queue, Element type, std::int64_t rows, std::int64_t channels, double eps,
                             bool relu, const void* x, const void* residual, const float* gamma, const float* beta,
                             const float* running_mean, const float* running_var, void* y) {
  normalize(queue, type,
            {.rows = rows,
             .channels = channels,
             .x = x,
             .residual = residual,
             .mean = running_mean,
             .spread = running_var,
             .variance = true,
             .eps = static_cast<float>(eps),
             .gamma = gamma,
             .shift = beta,
             .relu = relu,
             .y = y});
}

void batch_norm_backward(const Queue& queue, Element type, const BatchNormShape& shape, const BatchNormBackward& a,
                         void* workspace) {
  if (shape.rows * shape.channels == 0) return;
  const int channels = static_cast<int>(shape.channels);
  const Strips strips(shape.channels);
  const bool is_wide = channels % kPack == 0 && aligned({a.dy, a.x, a.dx, a.dresidual});
  with_type(type, [&](auto element) {
    using T = decltype(element);
    const Pieces cut = cut_for_sums(queue, shape, kPacksInFlight<T, 2>);
    auto* const sums = static_cast<float*>(workspace);
    float* const behind = sums + shape.groups * cut.pieces * kGradients * channels;
    const Slopes slopes{behind, behind + shape.groups * channels};
    with_flags(
        [&](auto is_aligned, auto has_mask) {
          launch(queue, grid_of(shape, cut), strips.block(),
                 gradient_sums_kernel<T, decltype(is_aligned)::value, decltype(has_mask)::value>,
                 static_cast<const T*>(a.dy), static_cast<const T*>(a.x), a.mask, a.mean, cut, channels, sums);
        },
        is_wide, a.mask != nullptr);
    launch(queue, finish_grid(shape), dim3(kColumns, kLanes), finish_gradients_kernel, sums, cut, channels,
           static_cast<int>(shape.groups), a.inv_std, a.fixed_statistics, a.dgamma, a.dbeta, slopes);
    // Two rounds of the three blocks that fit on a multiprocessor.
    const Pieces rows(cut.rows, strips.down, kPacksInFlight<T, 2>,
                      ceil_div(std::int64_t{queue.multiprocessors} * 6, strips.count * shape.groups));
    with_flags(
        [&](auto is_aligned, auto has_mask, auto has_residual) {
          launch(
              queue, grid_of(shape, rows), strips.block(),
              gradient_kernel<T, decltype(is_aligned)::value, decltype(has_mask)::value, decltype(has_residual)::value>,
              a, slopes, rows, channels);
        },
        is_wide, a.mask != nullptr, a.dresidual != nullptr);
  });
}

}  // namespace tandem::cuda::kernels
