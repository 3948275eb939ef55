#include "weights/caffe/window.h"

#include <algorithm>

namespace tandem {
namespace {

/// One of a window's three numbers, given as a list for both directions, or for each.
std::uint64_t both(const google::protobuf::RepeatedField<std::uint64_t>& list, bool has_height, std::uint64_t height,
                   bool has_width, std::uint64_t width, std::uint64_t otherwise, bool& square) {
  if (has_height || has_width) {
    square = square && has_height && has_width && height == width;
    return height;
  }
  if (list.empty()) return otherwise;
  square = square && std::all_of(list.begin(), list.end(), [&](std::uint64_t value) { return value == list[0]; });
  return list[0];
}

std::uint64_t both(bool has_one, std::uint64_t one, bool has_height, std::uint64_t height, bool has_width,
                   std::uint64_t width, std::uint64_t otherwise, bool& square) {
  if (!has_height && !has_width) return has_one ? one : otherwise;
  square = square && has_height && has_width && height == width;
  return height;
}

}  // namespace

CaffeWindow window_of(const caffe::ConvolutionParameter& p) {
  CaffeWindow w;
  w.kernel = both(p.kernel_size(), p.has_kernel_h(), p.kernel_h(), p.has_kernel_w(), p.kernel_w(), 0, w.square);
  w.stride = both(p.stride(), p.has_stride_h(), p.stride_h(), p.has_stride_w(), p.stride_w(), 1, w.square);
  w.pad = both(p.pad(), p.has_pad_h(), p.pad_h(), p.has_pad_w(), p.pad_w(), 0, w.square);
  for (const std::uint64_t dilation : p.dilation()) w.square = w.square && dilation == 1;
  return w;
}

CaffeWindow window_of(const caffe::PoolingParameter& p) {
  CaffeWindow w;
  w.kernel = both(p.has_kernel_size(), p.kernel_size(), p.has_kernel_h(), p.kernel_h(), p.has_kernel_w(), p.kernel_w(),
                  0, w.square);
  w.stride =
      both(p.has_stride(), p.stride(), p.has_stride_h(), p.stride_h(), p.has_stride_w(), p.stride_w(), 1, w.square);
  w.pad = both(p.has_pad(), p.pad(), p.has_pad_h(), p.pad_h(), p.has_pad_w(), p.pad_w(), 0, w.square);
  return w;
}

}  // namespace tandem
