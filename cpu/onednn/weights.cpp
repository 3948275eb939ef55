#include "cpu/onednn/weights.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/tensor/tensor.h"

namespace tandem::cpu {
namespace {

/// What a blocked memory descriptor says of itself.
struct Blocking {
  std::vector<std::int64_t> strides, sizes,
      axes;                           ///< of the outer dimensions; of the inner blocks, the first outermost
  std::vector<std::int64_t> padding;  ///< elements behind each dimension
};

std::optional<Blocking> blocking_of(const dnnl::memory::desc& desc) {
  Blocking blocking;
#if DNNL_VERSION_MAJOR < 3
  const auto& data = desc.data;
  if (data.format_kind != dnnl_blocked) return std::nullopt;
  const auto& inner = data.format_desc.blocking;
  blocking.strides.assign(inner.strides, inner.strides + data.ndims);
  blocking.sizes.assign(inner.inner_blks, inner.inner_blks + inner.inner_nblks);
  blocking.axes.assign(inner.inner_idxs, inner.inner_idxs + inner.inner_nblks);
  const std::vector<std::int64_t> dims(data.dims, data.dims + data.ndims);
  const std::vector<std::int64_t> padded(data.padded_dims, data.padded_dims + data.ndims);
#else
  if (desc.get_format_kind() != dnnl::memory::format_kind::blocked) return std::nullopt;
  blocking.strides = desc.get_strides();
  blocking.sizes = desc.get_inner_blks();
  blocking.axes = desc.get_inner_idxs();
  const std::vector<std::int64_t> dims = desc.get_dims(), padded = desc.get_padded_dims();
#endif
  for (std::size_t i = 0; i < dims.size(); ++i) blocking.padding.push_back(padded[i] - dims[i]);
  return blocking;
}

bool is_bf16(const dnnl::memory::desc& desc) {
#if DNNL_VERSION_MAJOR < 3
  return desc.data_type() == dnnl::memory::data_type::bf16;
#else
  return desc.get_data_type() == dnnl::memory::data_type::bf16;
#endif
}

constexpr float kZeros[32] = {};

/// Calls body(first filter, tap's r and s, first channel) for every step of `filters` and `channels`, on all threads.
template <class Body>
void for_blocks(Threads& threads, const Shape& shape, std::int64_t filters, std::int64_t channels, const Body& body) {
  const std::int64_t taps = shape[1] * shape[2], strips = (shape[3] + 255) / 256;
  threads.for_each((shape[0] + filters - 1) / filters * taps * strips, [&](std::int64_t i, int) {
    const std::int64_t strip = i % strips, tap = i / strips % taps, k = i / strips / taps * filters;
    for (std::int64_t c = strip * 256; c < std::min(shape[3], strip * 256 + 256); c += channels)
      body(k, tap / shape[2], tap % shape[2], c);
  });
}

}  // namespace

std::optional<WeightLayout> layout_of(const dnnl::memory::desc& desc, const Shape& w) {
  const auto blocking = blocking_of(desc);
  if (!blocking || blocking->strides.size() != 4) return std::nullopt;
  using Sizes = std::vector<std::int64_t>;
  const Sizes &sizes = blocking->sizes, &axes = blocking->axes, &strides = blocking->strides;
  const bool bf16 = is_bf16(desc);
  const auto layout = [&](WeightLayout::Kind kind, std::int64_t filters) {
    return WeightLayout{kind, bf16, filters, strides[0], strides[1], strides[2], strides[3]};
  };
  // Filters may be padded to a whole block of columns; nothing else may.
  if (w[0] % 16 != 0 || w[3] % 32 != 0 || blocking->padding[1] + blocking->padding[2] + blocking->padding[3] != 0)
    return std::nullopt;
  // A block's channels follow each other.
  const std::int64_t unit = bf16 ? 2 : 1;
  if (axes == (bf16 ? Sizes{0, 1} : Sizes{0}) && sizes[0] % 16 == 0 && sizes.back() == (bf16 ? 2 : sizes[0]) &&
      strides[1] == sizes[0] * unit)
    return layout(WeightLayout::Kind::columns, sizes[0]);
  if (blocking->padding[0] != 0) return std::nullopt;
  if (!bf16 && axes == Sizes{0, 1} && sizes == Sizes{16, 16}) return layout(WeightLayout::Kind::rows, 16);
  if (!bf16 && axes == Sizes{1, 0} && sizes == Sizes{16, 16}) return layout(WeightLayout::Kind::squares, 16);
  if (bf16 && axes == Sizes{0, 1, 0} && sizes == Sizes{8, 16, 2}) return layout(WeightLayout::Kind::pairs, 16);
  return std::nullopt;
}

void pack_weights(Threads& threads, const WeightKernels& kernels, const WeightLayout& z, const Shape& shape,
                  const float* w, void* packed) {
  const std::int64_t filter = shape[1] * shape[2] * shape[3];
  const auto row = [&](std::int64_t k, std::int64_t r, std::int64_t s, std::int64_t c) {
    return w + k * filter + (r * shape[2] + s) * shape[3] + c;
  };
  auto* floats = static_cast<float*>(packed);
  auto* halves = static_cast<std::uint16_t*>(packed);
  if (z.kind == WeightLayout::Kind::columns) {
    const std::int64_t channels = z.bf16 ? 32 : 16;
    for_blocks(threads, shape, z.filters, channels,
               [&](std::int64_t k, std::int64_t r, std::int64_t s, std::int64_t c) {
                 const std::int64_t block = k / z.filters * z.stride_k + r * z.stride_r + s * z.stride_s;
                 for (std::int64_t o = 0; o < z.filters; o += 16) {
                   const bool padding = k + o >= shape[0];
                   const float* from = padding ? kZeros : row(k + o, r, s, c);
                   const std::int64_t stride = padding ? 0 : filter;
                   if (z.bf16)
                     kernels.transpose_pairs(from, stride, halves + block + c / 2 * z.stride_c + 2 * o, z.stride_c);
                   else
                     kernels.transpose(from, stride, floats + block + c * z.stride_c + o, z.stride_c);
                 }
               });
    return;
  }
  for_blocks(threads, shape, 16, 16, [&](std::int64_t k, std::int64_t r, std::int64_t s, std::int64_t c) {
    const std::int64_t block = k / 16 * z.stride_k + c / 16 * z.stride_c + r * z.stride_r + s * z.stride_s;
    for (std::int64_t o = 0; o < 16; o += 2) {
      const float *upper = row(k + o, r, s, c), *lower = upper + filter;
      if (z.bf16) {
        kernels.interleave(upper, lower, halves + block + 16 * o);
      } else {
        std::memcpy(floats + block + 16 * o, upper, 16 * sizeof(float));
        std::memcpy(floats + block + 16 * (o + 1), lower, 16 * sizeof(float));
      }
    }
  });
}

void unpack_weights(Threads& threads, const WeightKernels& kernels, const WeightLayout& z, const Shape& shape,
                    const float* packed, float* w) {
  const std::int64_t filter = shape[1] * shape[2] * shape[3];
  for_blocks(threads, shape, 16, 16, [&](std::int64_t k, std::int64_t r, std::int64_t s, std::int64_t c) {
    const std::int64_t block = k / 16 * z.stride_k + c / 16 * z.stride_c + r * z.stride_r + s * z.stride_s;
    kernels.transpose(packed + block, 16, w + k * filter + (r * shape[2] + s) * shape[3] + c, filter);
  });
}

}  // namespace tandem::cpu
