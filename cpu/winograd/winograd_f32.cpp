#include "cpu/winograd/winograd_f32.h"

#include <algorithm>

#include "cpu/activation.h"

namespace tandem::cpu {
namespace {

constexpr std::int64_t kP = kPositionsF32, kColumns = kColumnsF32;

/// Tiles that cover so many pixels.
std::int64_t tiles_of(std::int64_t pixels) { return (pixels + kTileF32 - 1) / kTileF32; }

/// Row `i` of pixels of image n; null outside of x (N, H, W, C).
const float* pixel_row(const Tensor& x, std::int64_t n, std::int64_t i) {
  return i >= 0 && i < x.dim(1) ? x.data<float>() + (n * x.dim(1) + i) * x.dim(2) * x.dim(3) : nullptr;
}

/// The tile row with that number, counted through all images, whose first row of pixels is 4 row - `above`.
TileRowF32 tile_row(const Tensor& x, std::int64_t at, std::int64_t above) {
  const std::int64_t rows_per_image = tiles_of(x.dim(1)), n = at / rows_per_image, row = at % rows_per_image;
  TileRowF32 tiles{{}, x.dim(2), x.dim(3), tiles_of(x.dim(2))};
  for (int i = 0; i < kWindowF32; ++i) tiles.pixels[i] = pixel_row(x, n, kTileF32 * row - above + i);
  return tiles;
}

}  // namespace

WinogradF32::WinogradF32(std::shared_ptr<Arena> arena, Threads& threads)
    : arena_(std::move(arena)), threads_(threads), kernels_(vector_kernels().winograd) {}

bool WinogradF32::supports(const Shape& w) const {
  return kernels_ != nullptr && w[0] % kColumns == 0 && w[3] % kColumns == 0;
}

Tensor WinogradF32::transformed_weights(const Tensor& w) const {
  const std::int64_t channels = w.dim(3);
  Tensor u(arena_, {w.dim(0) / kColumns, kP, channels, kColumns}, DType::f32);
  // Of 64 filters each, and 64 channels.
  const std::int64_t strips = channels / kColumns;
  threads_.for_each(u.dim(0) * strips, [&](std::int64_t i, int) {
    const std::int64_t k = i / strips, c = i % strips * kColumns;
    kernels_->transform_weights(w.data<float>() + k * kColumns * 9 * channels + c, channels,
                                u.data<float>() + (k * kP * channels + c) * kColumns, channels * kColumns);
  });
  return u;
}

Tensor WinogradF32::transformed_turned_weights(const Tensor& w) const {
  const std::int64_t filters = w.dim(0), channels = w.dim(3);
  Tensor u(arena_, {channels / kColumns, kP, filters, kColumns}, DType::f32);
  constexpr std::int64_t kFilters = 8;  // a piece
  parallel_pieces(threads_, filters, kFilters, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k)
      kernels_->transform_turned_weights(w.data<float>() + k * 9 * channels, channels, u.data<float>() + k * kColumns,
                                         filters * kColumns);
  });
  return u;
}

void WinogradF32::forward(const Tensor& x, const Tensor& w, const AfterSums& after, Tensor& y) const {
  convolve(x, transformed_weights(w), after, y);
}

void WinogradF32::grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) const {
  convolve(dy, transformed_turned_weights(w), {}, dx);
}

/// Tiles that are transformed together, and what becomes of them.
struct WinogradF32::Block {
  std::int64_t first, rows;  ///< rows of tiles, counted through all images
  std::int64_t tiles_per_row;
  std::int64_t tiles;  ///< in `rows` rows, or more: the distance from one position to the next
  std::int64_t channels;
  float* inputs;    ///< (P, tiles, C)
  float* products;  ///< (P, tiles, 64)
};

void WinogradF32::transform_row(const Tensor& x, const Block& block, std::int64_t row) const {
  kernels_->transform_input(tile_row(x, block.first + row, 1),
                            block.inputs + row * block.tiles_per_row * block.channels, block.tiles * block.channels);
}

void WinogradF32::multiply_position(const Block& block, const Tensor& u, std::int64_t k, std::int64_t p) const {
  const float* weights = u.data<float>() + (k * kP + p * kColumns) * block.channels;
  for (std::int64_t t = 0; t < block.rows * block.tiles_per_row; t += kRowsF32)
    kernels_->multiply({block.inputs + (p * block.tiles + t) * block.channels, weights, block.channels, 1, kColumns,
                        block.channels, block.products + (p * block.tiles + t) * kColumns, kColumns, false},
                       static_cast<int>(std::min<std::int64_t>(kRowsF32, block.rows * block.tiles_per_row - t)));
}

void WinogradF32::transform_back(const Block& block, const AfterSums& after, std::int64_t row, std::int64_t k,
                                 Tensor& y) const {
  const std::int64_t rows_per_image = tiles_of(y.dim(1)), at = block.first + row;
  OutputF32 output{after.bias ? after.bias.data<float>() + k : nullptr, after.adds, after.relu, {}, y.dim(2), y.dim(3)};
  for (int i = 0; i < kTileF32; ++i) {
    const float* pixels = pixel_row(y, at / rows_per_image, kTileF32 * (at % rows_per_image) + i);
    output.rows[i] = pixels != nullptr ? const_cast<float*>(pixels) + k : nullptr;
  }
  kernels_->transform_output(block.products + row * block.tiles_per_row * kColumns, block.tiles * kColumns,
                             block.tiles_per_row, output);
}

void WinogradF32::convolve(const Tensor& x, const Tensor& u, const AfterSums& after, Tensor& y) const {
  constexpr std::size_t kLargeWeights = 4 << 20;
  if (u.bytes() > kLargeWeights)
    convolve_by_stages(x, u, after, y);
  else
    convolve_by_blocks(x, u, after, y);
}

void WinogradF32::convolve_by_blocks(const Tensor& x, const Tensor& u, const AfterSums& after, Tensor& y) const {
  const std::int64_t channels = x.dim(3), filters = y.dim(3), threads = threads_.count();
  const std::int64_t tiles_per_row = tiles_of(x.dim(2)), rows = x.dim(0) * tiles_of(x.dim(1));
  const std::int64_t row_bytes = kP * tiles_per_row * (channels + kColumns) * 4;
  constexpr std::int64_t kBudget = 640 << 10;  // what the second cache holds beside weights
  const std::int64_t rows_per_block = std::clamp<std::int64_t>(kBudget / row_bytes, 1, rows);
  const std::int64_t tiles = rows_per_block * tiles_per_row;
  Tensor v(arena_, {threads, kP, tiles, channels}, DType::f32), m(arena_, {threads, kP, tiles, kColumns}, DType::f32);
  threads_.for_each((rows + rows_per_block - 1) / rows_per_block, [&](std::int64_t piece, int thread) {
    const std::int64_t first = piece * rows_per_block;
    const Block block{first,
                      std::min(rows_per_block, rows - first),
                      tiles_per_row,
                      tiles,
                      channels,
                      v.data<float>() + thread * kP * tiles * channels,
                      m.data<float>() + thread * kP * tiles * kColumns};
    for (std::int64_t r = 0; r < block.rows; ++r) transform_row(x, block, r);
    for (std::int64_t k = 0; k < filters; k += kColumns) {
      for (std::int64_t p = 0; p < kP; ++p) multiply_position(block, u, k, p);
      for (std::int64_t r = 0; r < block.rows; ++r) transform_back(block, after, r, k, y);
    }
  });
}

void WinogradF32::convolve_by_stages(const Tensor& x, const Tensor& u, const AfterSums& after, Tensor& y) const {
  const std::int64_t channels = x.dim(3), filters = y.dim(3), strips = filters / kColumns;
  const std::int64_t tiles_per_row = tiles_of(x.dim(2)), rows = x.dim(0) * tiles_of(x.dim(1));
  const std::int64_t row_bytes = kP * tiles_per_row * (channels + filters) * 4;
  constexpr std::int64_t kBudget = 12 << 20;  // a good part of the last cache
  const std::int64_t most = std::clamp<std::int64_t>(kBudget / row_bytes, 1, rows), steps = (rows + most - 1) / most;
  const std::int64_t rows_per_step = (rows + steps - 1) / steps, tiles = rows_per_step * tiles_per_row;
  Tensor v(arena_, {kP, tiles, channels}, DType::f32), m(arena_, {strips, kP, tiles, kColumns}, DType::f32);
  for (std::int64_t first = 0; first < rows; first += rows_per_step) {
    const auto block = [&](std::int64_t strip) {
      return Block{first,           std::min(rows_per_step, rows - first),          tiles_per_row, tiles, channels,
                   v.data<float>(), m.data<float>() + strip * kP * tiles * kColumns};
    };
    const Block all = block(0);
    threads_.for_each(all.rows, [&](std::int64_t r, int) { transform_row(x, all, r); });
    // A thread stays at a position for some filters: its inputs stay in the cache.
    threads_.for_each(kP * strips, [&](std::int64_t i, int) {
      multiply_position(block(i % strips), u, i % strips * kColumns, i / strips);
    });
    threads_.for_each(all.rows * strips, [&](std::int64_t i, int) {
      transform_back(block(i % strips), after, i / strips, i % strips * kColumns, y);
    });
  }
}

/// A weight gradient under way. The rows of tiles are summed up step by step; where sums are small, there are several
/// groups of rows with sums of their own, which need not wait for each other.
struct WinogradF32::Gradient {
  std::int64_t channels, filters, tiles_per_row, rows, groups, rows_per_group, rows_per_step;
  Tensor v, g;  ///< a step's transformed inputs (groups, P, tiles, C) and gradients (groups, P, tiles, K)
  Tensor s;     ///< sums (groups, P, K, C)

  Gradient(const std::shared_ptr<Arena>& arena, const Tensor& x, const Tensor& dy)
      : channels(x.dim(3)), filters(dy.dim(3)), tiles_per_row(tiles_of(x.dim(2))), rows(x.dim(0) * tiles_of(x.dim(1))) {
    constexpr std::int64_t kSmallSums = 1 << 20, kOwnTiles = 512 << 10, kTiles = 3 << 20;  // bytes
    constexpr std::int64_t kGroups = 8;
    const std::int64_t sum_bytes = kP * filters * channels * 4;
    const bool small = sum_bytes <= kSmallSums;
    groups = small ? std::min(kGroups, rows) : 1;
    rows_per_group = (rows + groups - 1) / groups;
    // The larger the sums, the less often they should pass through the caches.
    const std::int64_t row_bytes = kP * tiles_per_row * (channels + filters) * 4;
    rows_per_step =
        std::clamp<std::int64_t>((small ? kOwnTiles : std::max(kTiles, sum_bytes / 2)) / row_bytes, 1, rows_per_group);
    v = Tensor(arena, {groups, kP, tiles(), channels}, DType::f32);
    g = Tensor(arena, {groups, kP, tiles(), filters}, DType::f32);
    s = Tensor(arena, {groups, kP, filters, channels}, DType::f32);
  }

  std::int64_t tiles() const { return rows_per_step * tiles_per_row; }
  /// The group's row of that number, counted through all.
  std::int64_t row(std::int64_t group, std::int64_t number) const { return group * rows_per_group + number; }
  /// Rows of the group in the step that begins at its row `first`.
  std::int64_t count(std::int64_t group, std::int64_t first) const {
    const std::int64_t of_group = std::clamp<std::int64_t>(rows - row(group, 0), 0, rows_per_group);
    return std::clamp<std::int64_t>(of_group - first, 0, rows_per_step);
  }
};

/// Adds the step's products, for filters [k, k + 64), to the group's sums at position p.
void WinogradF32::add_products(const Gradient& z, std::int64_t group, std::int64_t first, std::int64_t p,
                               std::int64_t k) const {
  const std::int64_t offset = (group * kP + p) * z.tiles();
  const float *a = z.g.data<float>() + offset * z.filters, *b = z.v.data<float>() + offset * z.channels;
  float* const sums = const_cast<float*>(z.s.data<float>()) + (group * kP + p) * z.filters * z.channels;
  for (std::int64_t c = 0; c < z.channels; c += kColumns)
    for (std::int64_t i = k; i < k + kColumns; i += kRowsF32)
      kernels_->multiply({a + i, b + c, 1, z.filters, z.channels, z.count(group, first) * z.tiles_per_row,
                          sums + i * z.channels + c, z.channels, first > 0},
                         static_cast<int>(std::min<std::int64_t>(kRowsF32, k + kColumns - i)));
}

void WinogradF32::grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw) const {
  Gradient z(arena_, x, dy);
  const auto transform = [&](std::int64_t group, std::int64_t first, std::int64_t r) {
    const std::int64_t at = z.row(group, first + r), offset = group * kP * z.tiles() + r * z.tiles_per_row;
    kernels_->transform_input(tile_row(x, at, 1), z.v.data<float>() + offset * z.channels, z.tiles() * z.channels);
    kernels_->transform_gradient(tile_row(dy, at, 0), z.g.data<float>() + offset * z.filters, z.tiles() * z.filters);
  };
  if (z.groups > 1) {
    threads_.for_each(z.groups, [&](std::int64_t group, int) {
      for (std::int64_t first = 0; first < z.rows_per_group; first += z.rows_per_step) {
        for (std::int64_t r = 0; r < z.count(group, first); ++r) transform(group, first, r);
        for (std::int64_t p = 0; p < kP; ++p)
          for (std::int64_t k = 0; k < z.filters; k += kColumns) add_products(z, group, first, p, k);
      }
    });
  } else {
    const std::int64_t strips = z.filters / kColumns;
    for (std::int64_t first = 0; first < z.rows; first += z.rows_per_step) {
      threads_.for_each(z.count(0, first), [&](std::int64_t r, int) { transform(0, first, r); });
      threads_.for_each(kP * strips,
                        [&](std::int64_t i, int) { add_products(z, 0, first, i / strips, i % strips * kColumns); });
    }
  }
  const std::int64_t size = z.filters * z.channels;
  constexpr std::int64_t kFilters = 8;  // a piece
  parallel_pieces(threads_, z.filters, kFilters, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k)
      kernels_->transform_weight_gradient(z.s.data<float>() + k * z.channels, size, z.groups, kP * size, z.channels,
                                          dw.data<float>() + k * 9 * z.channels);
  });
}

}  // namespace tandem::cpu
