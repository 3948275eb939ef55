#pragma once
// Kernel, stride and padding of Caffe's convolutions and pools, which may be given for both directions or for each.

#include <cstdint>

#include "weights/caffe/caffe.pb.h"

namespace tandem {

struct CaffeWindow {
  std::uint64_t kernel = 0, stride = 1, pad = 0;
  bool square = true;  ///< the same in both directions, and not dilated

  bool operator==(const CaffeWindow&) const = default;
};

CaffeWindow window_of(const caffe::ConvolutionParameter& convolution);
CaffeWindow window_of(const caffe::PoolingParameter& pooling);

}  // namespace tandem
