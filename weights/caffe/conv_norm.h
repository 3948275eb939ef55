#pragma once
// Caffe's convolution with the layers behind it as one convolution without bias and one batch norm.
//
// Caffe's BatchNorm has three blobs: sums m and v of means and variances, and a factor f. It computes
// (x - m/f) / sqrt(v/f + eps), with 0 in the place of m/f and v/f where f is 0. Scale multiplies by its first blob and
// adds its second. With the convolution's bias b, this is torch's batch norm with
//
//   running_mean = m/f - b,  running_var = v/f + eps - 1e-5,  weight = scale or 1,  bias = its second blob or 0
//
// where 1e-5 is torch's own epsilon. Without a BatchNorm, running_mean = -b and running_var = 1 - 1e-5.

#include <filesystem>
#include <string>
#include <vector>

#include "weights/caffe/net.h"

namespace tandem {

/// The parameters of torch's batch norm.
struct NormParameters {
  std::vector<float> weight, bias, running_mean, running_var;
};

/// `layers`, whose blobs are read: a Convolution, then at most one BatchNorm, then Scale and Bias layers. InputError,
/// naming the layer, for blobs that are missing or do not fit.
NormParameters norm_of(const std::filesystem::path& path, const std::vector<const caffe::LayerParameter*>& layers);

/// A blob's numbers. InputError unless there are `count`.
std::vector<double> blob_values(const std::filesystem::path& path, const caffe::LayerParameter& layer, int blob,
                                std::int64_t count);

}  // namespace tandem
