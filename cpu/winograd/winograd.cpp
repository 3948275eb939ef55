#include "cpu/winograd/winograd.h"

#include <algorithm>

#include "cpu/activation.h"

namespace tandem::cpu {
namespace {

constexpr std::int64_t kP = kWinogradPositions, kColumns = kWinogradColumns;

std::int64_t half(std::int64_t n) { return (n + 1) / 2; }

/// Row `i` of pixels of image n; null outside of x (N, H, W, C), which is a Tensor or a const one.
template <class AnyTensor>
auto* pixel_row(AnyTensor& x, std::int64_t n, std::int64_t i) {
  const bool inside = n < x.dim(0) && i >= 0 && i < x.dim(1);
  return inside ? elements<std::uint16_t>(x) + (n * x.dim(1) + i) * x.dim(2) * x.dim(3) : nullptr;
}

/// The tile row with that number of image n, whose first row of pixels is 2 row - `above`.
WinogradTileRow tile_row(const Tensor& x, std::int64_t n, std::int64_t row, std::int64_t above) {
  WinogradTileRow tiles{{}, x.dim(2), x.dim(3), half(x.dim(2))};
  for (int i = 0; i < 4; ++i) tiles.pixels[i] = pixel_row(x, n, 2 * row - above + i);
  return tiles;
}

}  // namespace

const WinogradKernels* winograd_kernels() { return vector_kernels().has_bf16() ? &avx512_bf16::kWinograd : nullptr; }

Winograd::Winograd(std::shared_ptr<Arena> arena, Threads& threads)
    : arena_(std::move(arena)),
      threads_(threads),
      kernels_(winograd_kernels()),
      weight_kernels_(vector_kernels().weights) {}

bool Winograd::supports(const Shape& w) const {
  return kernels_ != nullptr && w[0] % kColumns == 0 && w[3] % kColumns == 0;
}

Tensor Winograd::transformed_weights(const Tensor& w) const {
  const std::int64_t filters = w.dim(0), channels = w.dim(3), strips = channels / 32;
  Tensor u(arena_, {filters / kColumns * kP, channels / 2, kColumns, 2}, DType::bf16);
  const auto* from = w.data<float>();
  auto* to = elements<std::uint16_t>(u);
  threads_.for_each(filters / 16 * strips, [&](std::int64_t i, int) {
    const std::int64_t k = i / strips * 16, c = i % strips * 32;
    float block[kP][16][32];
    for (std::int64_t o = 0; o < 16; ++o)
      for (std::int64_t part = 0; part < 32; part += 16)
        kernels_->transform_weights(from + (k + o) * 9 * channels + c + part, channels, &block[0][o][part], 16 * 32);
    for (std::int64_t p = 0; p < kP; ++p)
      weight_kernels_->transpose_pairs(
          &block[p][0][0], 32, to + ((k / kColumns * kP + p) * channels / 2 + c / 2) * 2 * kColumns + k % kColumns * 2,
          2 * kColumns);
  });
  return u;
}

Tensor Winograd::transformed_turned_weights(const Tensor& w) const {
  const std::int64_t filters = w.dim(0), channels = w.dim(3);
  Tensor u(arena_, {channels / kColumns * kP, filters / 2, kColumns, 2}, DType::bf16);
  const auto* from = w.data<float>();
  auto* to = elements<std::uint16_t>(u);
  constexpr std::int64_t kFilters = 8;  // a piece
  parallel_pieces(threads_, filters, kFilters, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; k += 2)
      kernels_->transform_turned_weights(from + k * 9 * channels, from + (k + 1) * 9 * channels, channels,
                                         to + k * kColumns, filters * kColumns);
  });
  return u;
}

void Winograd::forward(const Tensor& x, const Tensor& w, const AfterSums& after, Tensor& y) const {
  convolve(x, transformed_weights(w), {elements<float>(after.bias), after.relu}, y);
}

void Winograd::grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) const {
  convolve(dy, transformed_turned_weights(w), {}, dx);
}

/// Tiles that are transformed together, and what becomes of them.
struct Winograd::Block {
  std::int64_t first, rows;  ///< rows of tiles, counted through all images
  std::int64_t tiles;        ///< in `rows` rows, or more: the distance from one position to the next
  std::uint16_t* inputs;     ///< (P, tiles, C)
  float* products;           ///< (P, tiles, 64)
};

void Winograd::transform_block(const Tensor& x, const Block& block, std::int64_t row) const {
  const std::int64_t rows_per_image = half(x.dim(1)), channels = x.dim(3), at = block.first + row;
  kernels_->transform_input(tile_row(x, at / rows_per_image, at % rows_per_image, 1),
                            block.inputs + row * half(x.dim(2)) * channels, block.tiles * channels);
}

void Winograd::convolve_block(const Block& block, const Tensor& u, const Epilogue& epilogue, std::int64_t k,
                              Tensor& y) const {
  const std::int64_t channels = 2 * u.dim(1), tiles_per_row = half(y.dim(2)), count = block.rows * tiles_per_row;
  for (std::int64_t p = 0; p < kP; ++p) {
    const auto* weights = elements<std::uint16_t>(u) + (k * kP + p * kColumns) * channels;
    for (std::int64_t t = 0; t < count; t += kWinogradRows)
      kernels_->multiply({reinterpret_cast<const std::uint32_t*>(block.inputs + (p * block.tiles + t) * channels),
                          reinterpret_cast<const std::uint32_t*>(weights), channels / 2, 1, kColumns, channels / 2,
                          block.products + (p * block.tiles + t) * kColumns, kColumns, false},
                         static_cast<int>(std::min<std::int64_t>(kWinogradRows, count - t)));
  }
  const std::int64_t rows_per_image = half(y.dim(1));
  for (std::int64_t r = 0; r < block.rows; ++r) {
    const std::int64_t n = (block.first + r) / rows_per_image, row = (block.first + r) % rows_per_image;
    const auto output = [&](std::int64_t i) { return i < y.dim(1) ? pixel_row(y, n, i) + k : nullptr; };
    kernels_->transform_output(block.products + r * tiles_per_row * kColumns, block.tiles * kColumns, tiles_per_row,
                               y.dim(2), y.dim(3), epilogue.bias ? epilogue.bias + k : nullptr, epilogue.relu,
                               output(2 * row), output(2 * row + 1));
  }
}

void Winograd::convolve(const Tensor& x, const Tensor& u, const Epilogue& epilogue, Tensor& y) const {
  const std::int64_t channels = x.dim(3), filters = y.dim(3), threads = threads_.count();
  const std::int64_t tiles_per_row = half(x.dim(2)), rows = x.dim(0) * half(x.dim(1));
  const std::int64_t row_bytes = kP * tiles_per_row * (2 * channels + 4 * kColumns);
  const auto even_share = [&](std::int64_t most) {  // of the rows, the same for each thread
    const std::int64_t blocks = (rows + most - 1) / most, even = (blocks + threads - 1) / threads * threads;
    return (rows + even - 1) / even;
  };
  // As many rows of tiles at a time as the second cache holds, transformed and multiplied with 64 filters.
  constexpr std::int64_t kBudget = 480 << 10;
  const std::int64_t rows_per_block = even_share(std::clamp<std::int64_t>(kBudget / row_bytes, 1, rows));
  const std::int64_t tiles = rows_per_block * tiles_per_row;
  Tensor v(arena_, {threads, kP, tiles, channels}, DType::bf16), m(arena_, {threads, kP, tiles, kColumns}, DType::f32);
  threads_.for_each((rows + rows_per_block - 1) / rows_per_block, [&](std::int64_t piece, int thread) {
    const std::int64_t first = piece * rows_per_block;
    const Block block{first, std::min(rows_per_block, rows - first), tiles,
                      elements<std::uint16_t>(v) + thread * kP * tiles * channels,
                      m.data<float>() + thread * kP * tiles * kColumns};
    for (std::int64_t r = 0; r < block.rows; ++r) transform_block(x, block, r);
    for (std::int64_t k = 0; k < filters; k += kColumns) convolve_block(block, u, epilogue, k, y);
  });
}

/// A weight gradient under way. The rows of tiles, of two images each, are summed up step by step; where sums are
/// small, there are several groups of rows with sums of their own, which need not wait for each other.
struct Winograd::Gradient {
  std::int64_t channels, filters, rows_per_image, tiles_per_row;
  std::int64_t rows, groups, rows_per_group, rows_per_step;
  Tensor v, g;  ///< a step's transformed inputs (groups * P, tiles, C, 2) and gradients (groups * P, tiles, K, 2)
  Tensor s;     ///< sums (groups, P, K, C)

  Gradient(const std::shared_ptr<Arena>& arena, const Tensor& x, const Tensor& dy)
      : channels(x.dim(3)),
        filters(dy.dim(3)),
        rows_per_image(half(x.dim(1))),
        tiles_per_row(half(x.dim(2))),
        rows(half(x.dim(0)) * rows_per_image) {
    constexpr std::int64_t kSmallSums = 2 << 20, kLeastTiles = 3 << 20;  // bytes
    constexpr std::int64_t kGroups = 4;
    const std::int64_t sum_bytes = kP * filters * channels * 4;
    groups = sum_bytes <= kSmallSums ? std::min(kGroups, rows) : 1;
    rows_per_group = (rows + groups - 1) / groups;
    // The larger the sums, the less often they should pass through the caches.
    const std::int64_t row_bytes = kP * tiles_per_row * (channels + filters) * 4;
    rows_per_step = std::clamp<std::int64_t>(std::max(kLeastTiles, sum_bytes) / row_bytes, 1, rows_per_group);
    v = Tensor(arena, {groups * kP, tiles(), channels, 2}, DType::bf16);
    g = Tensor(arena, {groups * kP, tiles(), filters, 2}, DType::bf16);
    s = Tensor(arena, {groups, kP, filters, channels}, DType::f32);
  }

  std::int64_t tiles() const { return rows_per_step * tiles_per_row; }
  /// Rows of the group in the step that begins at its row `first`.
  std::int64_t count(std::int64_t group, std::int64_t first) const {
    return std::clamp<std::int64_t>(std::min(rows, (group + 1) * rows_per_group) - (group * rows_per_group + first), 0,
                                    std::min(rows_per_step, rows_per_group - first));
  }
};

/// Row r of the group's step that begins at its row `first`.
void Winograd::transform_row(const Tensor& x, const Tensor& dy, std::int64_t group, std::int64_t first, std::int64_t r,
                             Gradient& z) const {
  const std::int64_t at = group * z.rows_per_group + first + r, n = at / z.rows_per_image * 2,
                     row = at % z.rows_per_image, offset = group * kP * z.tiles() + r * z.tiles_per_row;
  kernels_->transform_input_pairs(tile_row(x, n, row, 1), tile_row(x, n + 1, row, 1),
                                  elements<std::uint16_t>(z.v) + offset * z.channels * 2, z.tiles() * z.channels * 2);
  kernels_->transform_gradient_pairs(tile_row(dy, n, row, 0), tile_row(dy, n + 1, row, 0),
                                     elements<std::uint16_t>(z.g) + offset * z.filters * 2, z.tiles() * z.filters * 2);
}

/// Adds the step's products to the group's sums at position p.
void Winograd::multiply_position(std::int64_t group, std::int64_t first, std::int64_t p, Gradient& z) const {
  const std::int64_t offset = (group * kP + p) * z.tiles();
  const auto* a = reinterpret_cast<const std::uint32_t*>(elements<std::uint16_t>(z.g)) + offset * z.filters;
  const auto* b = reinterpret_cast<const std::uint32_t*>(elements<std::uint16_t>(z.v)) + offset * z.channels;
  float* const sums = z.s.data<float>() + (group * kP + p) * z.filters * z.channels;
  for (std::int64_t c = 0; c < z.channels; c += kColumns)
    for (std::int64_t k = 0; k < z.filters; k += kWinogradRows)
      kernels_->multiply({a + k, b + c, 1, z.filters, z.channels, z.count(group, first) * z.tiles_per_row,
                          sums + k * z.channels + c, z.channels, first > 0},
                         static_cast<int>(std::min<std::int64_t>(kWinogradRows, z.filters - k)));
}

void Winograd::grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw) const {
  Gradient z(arena_, x, dy);
  if (z.groups > 1) {
    threads_.for_each(z.groups, [&](std::int64_t group, int) {
      for (std::int64_t first = 0; first < z.rows_per_group; first += z.rows_per_step) {
        for (std::int64_t r = 0; r < z.count(group, first); ++r) transform_row(x, dy, group, first, r, z);
        for (std::int64_t p = 0; p < kP; ++p) multiply_position(group, first, p, z);
      }
    });
  } else {
    for (std::int64_t first = 0; first < z.rows; first += z.rows_per_step) {
      threads_.for_each(z.count(0, first), [&](std::int64_t r, int) { transform_row(x, dy, 0, first, r, z); });
      threads_.for_each(kP, [&](std::int64_t p, int) { multiply_position(0, first, p, z); });
    }
  }
  const std::int64_t size = z.filters * z.channels;
  constexpr std::int64_t kFilters = 8;  // a piece
  parallel_pieces(threads_, z.filters, kFilters, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k)
      for (std::int64_t c = 0; c < z.channels; c += 16)
        kernels_->transform_weight_gradient(z.s.data<float>() + k * z.channels + c, size, z.groups, kP * size,
                                            dw.data<float>() + k * 9 * z.channels + c, z.channels);
  });
}

}  // namespace tandem::cpu
