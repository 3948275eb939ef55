#pragma once
// Runs a Caffe network layer by layer as Caffe defines its layers, in f64, as plainly as can be.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "weights/caffe/caffe.pb.h"

namespace tandem::test {

/// One image's blob, (C, H, W).
struct Planes {
  int channels = 0, height = 0, width = 0;
  std::vector<double> values;

  Planes(int c, int h, int w) : channels(c), height(h), width(w), values(static_cast<std::size_t>(c) * h * w) {}
  Planes() = default;
  double& at(int c, int h, int w) { return values[(static_cast<std::size_t>(c) * height + h) * width + w]; }
  double padded(int c, int h, int w) { return h < 0 || w < 0 || h >= height || w >= width ? 0 : at(c, h, w); }
};

inline Planes convolve(Planes& x, const caffe::LayerParameter& layer) {
  const auto& p = layer.convolution_param();
  const int kernel = static_cast<int>(p.kernel_size(0)), pad = static_cast<int>(p.pad(0)),
            stride = static_cast<int>(p.stride(0)), out = static_cast<int>(p.num_output());
  Planes y(out, (x.height + 2 * pad - kernel) / stride + 1, (x.width + 2 * pad - kernel) / stride + 1);
  const auto& w = layer.blobs(0).data();
  for (int k = 0; k < out; ++k)
    for (int i = 0; i < y.height; ++i)
      for (int j = 0; j < y.width; ++j) {
        double sum = layer.blobs_size() > 1 ? static_cast<double>(layer.blobs(1).data(k)) : 0;
        int at = k * x.channels * kernel * kernel;
        for (int c = 0; c < x.channels; ++c)
          for (int r = 0; r < kernel; ++r)
            for (int s = 0; s < kernel; ++s)
              sum += static_cast<double>(w[at++]) * x.padded(c, i * stride - pad + r, j * stride - pad + s);
        y.at(k, i, j) = sum;
      }
  return y;
}

/// Calls change(number, channel) for every number.
template <class Change>
Planes each(Planes x, const Change& change) {
  for (int c = 0; c < x.channels; ++c)
    for (int i = 0; i < x.height; ++i)
      for (int j = 0; j < x.width; ++j) x.at(c, i, j) = change(x.at(c, i, j), c);
  return x;
}

inline Planes pool(Planes& x, const caffe::LayerParameter& layer) {
  const auto& p = layer.pooling_param();
  if (p.global_pooling()) {
    Planes y(x.channels, 1, 1);
    const auto area = static_cast<double>(x.height * x.width);
    for (int c = 0; c < x.channels; ++c)
      for (int i = 0; i < x.height; ++i)
        for (int j = 0; j < x.width; ++j) y.at(c, 0, 0) += x.at(c, i, j) / area;
    return y;
  }
  const int kernel = static_cast<int>(p.kernel_size()), stride = static_cast<int>(p.stride());
  const auto count = [&](int length) { return (length - kernel + stride - 1) / stride + 1; };  // rounded up
  Planes y(x.channels, count(x.height), count(x.width));
  for (int c = 0; c < x.channels; ++c)
    for (int i = 0; i < y.height; ++i)
      for (int j = 0; j < y.width; ++j) {
        double best = -std::numeric_limits<double>::infinity();
        for (int h = i * stride; h < std::min(i * stride + kernel, x.height); ++h)
          for (int w = j * stride; w < std::min(j * stride + kernel, x.width); ++w)
            best = std::max(best, x.at(c, h, w));
        y.at(c, i, j) = best;
      }
  return y;
}

/// What the layer with this name computes from the input "data".
inline std::vector<double> run_caffe(const caffe::NetParameter& net, const Planes& data, const std::string& name) {
  std::map<std::string, Planes> blobs{{"data", data}};
  for (const caffe::LayerParameter& layer : net.layer()) {
    if (layer.type() == "Input") continue;
    Planes& x = blobs.at(layer.bottom(0));
    const auto number = [&](int blob, int i) { return static_cast<double>(layer.blobs(blob).data(i)); };
    Planes y;
    if (layer.type() == "Convolution") {
      y = convolve(x, layer);
    } else if (layer.type() == "BatchNorm") {
      const double sum = number(2, 0), factor = sum == 0 ? 0 : 1 / sum;
      const auto eps = static_cast<double>(layer.batch_norm_param().eps());
      y = each(x,
               [&](double v, int c) { return (v - number(0, c) * factor) / std::sqrt(number(1, c) * factor + eps); });
    } else if (layer.type() == "Scale") {
      y = each(x, [&](double v, int c) { return v * number(0, c) + number(1, c); });
    } else if (layer.type() == "ReLU") {
      y = each(x, [](double v, int) { return std::max(v, 0.0); });
    } else if (layer.type() == "Pooling") {
      y = pool(x, layer);
    } else if (layer.type() == "Eltwise") {
      y = x;
      const Planes& other = blobs.at(layer.bottom(1));
      for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += other.values[i];
    } else if (layer.type() == "InnerProduct") {
      y = Planes(static_cast<int>(layer.inner_product_param().num_output()), 1, 1);
      const int features = static_cast<int>(x.values.size());
      for (int k = 0; k < y.channels; ++k) {
        y.at(k, 0, 0) = number(1, k);
        for (int c = 0; c < features; ++c)
          y.at(k, 0, 0) += number(0, k * features + c) * x.values[static_cast<std::size_t>(c)];
      }
    } else {
      throw std::runtime_error("a layer of the type " + layer.type());
    }
    if (layer.name() == name) return y.values;
    blobs[layer.top(0)] = std::move(y);
  }
  throw std::runtime_error("no layer " + name);
}

}  // namespace tandem::test
