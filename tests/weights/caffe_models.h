#pragma once
// Small Caffe networks, written layer by layer.

#include <algorithm>
#include <string>
#include <vector>

#include "weights/caffe/caffe.pb.h"

namespace tandem::test {

/// Draws numbers that are the same in every run.
class CaffeNumbers {
 public:
  float next() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<float>(state_ >> 8U) / static_cast<float>(1U << 24U) - 0.5F;  // in [-0.5, 0.5), some negative
  }

 private:
  std::uint32_t state_ = 7;
};

/// Builds a network from its input on.
struct CaffeBuilder {
  caffe::NetParameter net;
  CaffeNumbers numbers;
  bool conv_bias = true, batch_norm = true, scale = true;
  float factor = 2;  // the third blob of each batch norm

  caffe::LayerParameter& layer(const std::string& name, const std::string& type,
                               const std::vector<std::string>& bottoms, const std::string& top) {
    caffe::LayerParameter& added = *net.add_layer();
    added.set_name(name);
    added.set_type(type);
    for (const std::string& bottom : bottoms) added.add_bottom(bottom);
    added.add_top(top);
    return added;
  }
  void blob(caffe::LayerParameter& layer, const std::vector<std::int64_t>& shape, float least = -1) {
    caffe::BlobProto& added = *layer.add_blobs();
    std::int64_t count = 1;
    for (const std::int64_t size : shape) {
      added.mutable_shape()->add_dim(size);
      count *= size;
    }
    for (std::int64_t i = 0; i < count; ++i) added.add_data(std::max(least, numbers.next()));
  }
  /// A convolution of odd kernel with its norm; returns its top.
  std::string convolution(const std::string& name, const std::string& bottom, std::int64_t in, std::int64_t out,
                          std::uint64_t kernel, std::uint64_t stride) {
    caffe::LayerParameter& added = layer(name, "Convolution", {bottom}, name);
    auto& parameters = *added.mutable_convolution_param();
    parameters.set_num_output(static_cast<std::uint64_t>(out));
    parameters.add_kernel_size(kernel);
    parameters.add_pad(kernel / 2);
    parameters.add_stride(stride);
    parameters.set_bias_term(conv_bias);
    const auto window = static_cast<std::int64_t>(kernel);
    blob(added, {out, in, window, window});
    if (conv_bias) blob(added, {out});
    if (batch_norm) {
      caffe::LayerParameter& norm = layer("bn_of_" + name, "BatchNorm", {name}, name);
      norm.mutable_batch_norm_param()->set_eps(1e-4F);
      blob(norm, {out});
      blob(norm, {out}, 0.1F);
      blob(norm, {1});
      norm.mutable_blobs(2)->set_data(0, factor);
    }
    if (scale) {
      caffe::LayerParameter& added_scale = layer("scale_of_" + name, "Scale", {name}, name);
      blob(added_scale, {out});
      blob(added_scale, {out});
    }
    return name;
  }
  std::string relu(const std::string& blob) {
    layer("relu_of_" + blob, "ReLU", {blob}, blob);
    return blob;
  }
  /// A bottleneck block with odd names; the shortcut is the second input of its sum where `shortcut_last`.
  std::string block(const std::string& name, const std::string& x, std::int64_t in, std::int64_t width,
                    std::uint64_t stride, bool shortcut_last) {
    std::string shortcut = x;
    if (in != 4 * width || stride != 1) shortcut = convolution(name + "_p", x, in, 4 * width, 1, stride);
    std::string y = relu(convolution(name + "_z", x, in, width, 1, stride));
    y = relu(convolution(name + "_y", y, width, width, 3, 1));
    y = convolution(name + "_x", y, width, 4 * width, 1, 1);
    layer(name, "Eltwise", shortcut_last ? std::vector{y, shortcut} : std::vector{shortcut, y}, name);
    return relu(name);
  }
  void pool(const std::string& name, const std::string& bottom, caffe::PoolingParameter::PoolMethod method) {
    auto& parameters = *layer(name, "Pooling", {bottom}, name).mutable_pooling_param();
    parameters.set_pool(method);
    if (method == caffe::PoolingParameter::MAX) {
      parameters.set_kernel_size(3);
      parameters.set_stride(2);
    } else {
      parameters.set_global_pooling(true);
    }
  }
  /// Bottlenecks of width 2 in stages of 2 and 1, strides on the first 1x1, three classes.
  CaffeBuilder& resnet() {
    net.set_name("tiny");
    layer("data", "Input", {}, "data").mutable_input_param()->add_shape();
    for (const int size : {1, 3, 64, 64}) net.mutable_layer(0)->mutable_input_param()->mutable_shape(0)->add_dim(size);
    relu(convolution("stem", "data", 3, 4, 7, 2));
    pool("first", "stem", caffe::PoolingParameter::MAX);
    std::string x = block("b1", "first", 4, 2, 1, true);
    x = block("b2", x, 8, 2, 1, false);
    x = block("b3", x, 8, 4, 2, true);
    pool("last", x, caffe::PoolingParameter::AVE);
    caffe::LayerParameter& fc = layer("answer", "InnerProduct", {"last"}, "answer");
    fc.mutable_inner_product_param()->set_num_output(3);
    blob(fc, {3, 16});
    blob(fc, {3});
    layer("probability", "Softmax", {"answer"}, "probability");
    return *this;
  }
};

/// The same network in the format before 2015, whose blobs have four sizes and whose norms have no type.
inline caffe::NetParameter to_v1(const caffe::NetParameter& net) {
  using V1 = caffe::V1LayerParameter;
  caffe::NetParameter old;
  old.set_name(net.name());
  for (const caffe::LayerParameter& layer : net.layer()) {
    if (layer.type() == "Input") {
      old.add_input(layer.top(0));
      for (const std::int64_t size : layer.input_param().shape(0).dim()) old.add_input_dim(size);
      continue;
    }
    V1& added = *old.add_layers();
    added.set_name(layer.name());
    for (const auto& [name, type] : {std::pair("Convolution", V1::CONVOLUTION), std::pair("ReLU", V1::RELU),
                                     std::pair("Pooling", V1::POOLING), std::pair("Eltwise", V1::ELTWISE),
                                     std::pair("InnerProduct", V1::INNER_PRODUCT), std::pair("Softmax", V1::SOFTMAX)})
      if (layer.type() == name) added.set_type(type);
    *added.mutable_bottom() = layer.bottom();
    *added.mutable_top() = layer.top();
    if (layer.has_convolution_param()) *added.mutable_convolution_param() = layer.convolution_param();
    if (layer.has_pooling_param()) *added.mutable_pooling_param() = layer.pooling_param();
    if (layer.has_inner_product_param()) *added.mutable_inner_product_param() = layer.inner_product_param();
    for (const caffe::BlobProto& blob : layer.blobs()) {
      caffe::BlobProto& flat = *added.add_blobs();
      *flat.mutable_data() = blob.data();
      std::vector<std::int64_t> sizes(blob.shape().dim().begin(), blob.shape().dim().end());
      sizes.insert(sizes.begin(), 4 - sizes.size(), 1);
      flat.set_num(sizes[0]);
      flat.set_channels(sizes[1]);
      flat.set_height(sizes[2]);
      flat.set_width(sizes[3]);
    }
  }
  return old;
}

}  // namespace tandem::test
