#pragma once
// Siamese networks and solvers of Caffe's as their users write them, small ones with what a test asks for.

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

namespace tandem::test {

/// The text of a network with two towers, residual networks of `depths` blocks, that share their parameters.
struct SiameseText {
  std::array<int, 4> depths = {2, 2, 2, 2};
  bool bottleneck = false, stride_on_1x1 = false;
  int width = 8, stem_width = 8;
  std::string data = "data_param { source: \"train_lmdb\" batch_size: 16 backend: LMDB }";
  std::string data_type = "Data";
  std::string transform =
      "transform_param { mirror: true crop_size: 64 mean_value: 104 mean_value: 117 mean_value: 123 }";
  std::string weight_param = "lr_mult: 1 decay_mult: 1", norm_param = "lr_mult: 1 decay_mult: 0";
  std::string head_weight_param = "lr_mult: 10 decay_mult: 1", head_bias_param = "lr_mult: 20 decay_mult: 0";
  std::string softmax = "loss_weight: 0.5",
              contrastive = "loss_weight: 0.25 contrastive_loss_param { margin: 2 legacy_version: true }";
  bool shared = true, has_softmax = true, has_contrastive = true;
  std::string extra;  ///< at the end

  std::string text() const {
    std::string all = "name: \"siamese\"\n";
    for (const char* tower : {"", "_p"}) all += data_layer(tower);
    for (const char* tower : {"", "_p"}) all += tower_layers(tower);
    if (has_contrastive) all += similarity();
    return all + extra;
  }

  static std::string layer(const std::string& name, const std::string& type, const std::vector<std::string>& bottoms,
                           const std::string& top, const std::string& rest = "") {
    std::string all = fmt::format("layer {{\n  name: \"{}\"\n  type: \"{}\"\n", name, type);
    for (const std::string& bottom : bottoms) all += fmt::format("  bottom: \"{}\"\n", bottom);
    return all + fmt::format("  top: \"{}\"\n{}}}\n", top, rest.empty() ? "" : "  " + rest + "\n");
  }

 private:
  std::string data_layer(const std::string& tower) const {
    return fmt::format(
        "layer {{\n  name: \"data{0}\"\n  type: \"{1}\"\n  top: \"data{0}\"\n  top: \"label{0}\"\n  include {{ phase: "
        "TRAIN "
        "}}\n  {2}\n  {3}\n}}\n",
        tower, data_type, transform, data);
  }
  std::string param(const std::string& name, const std::string& factors) const {
    return shared ? fmt::format("param {{ name: \"{}\" {} }} ", name, factors)
                  : fmt::format("param {{ {} }} ", factors);
  }
  std::string conv_norm(const std::string& name, const std::string& tower, const std::string& bottom, int out,
                        int kernel, int stride) const {
    const std::string top = name + tower, pad = std::to_string(kernel / 2);
    std::string all = layer(top, "Convolution", {bottom}, top,
                            param(name + "_w", weight_param) +
                                fmt::format("convolution_param {{ num_output: {} kernel_size: {} pad: {} stride: {} "
                                            "bias_term: false weight_filler {{ type: \"msra\" }} }}",
                                            out, kernel, pad, stride));
    all += layer("bn_" + top, "BatchNorm", {top}, top);
    all += layer("scale_" + top, "Scale", {top}, top,
                 param(name + "_g", norm_param) + param(name + "_b", norm_param) + "scale_param { bias_term: true }");
    return all;
  }
  std::string relu(const std::string& blob) const { return layer("relu_" + blob, "ReLU", {blob}, blob); }

  std::string block(const std::string& name, const std::string& tower, const std::string& in, int inner, int stride,
                    bool project) const {
    const int out = bottleneck ? 4 * inner : inner;
    std::string all, shortcut = in;
    if (project) {
      all += conv_norm(name + "_branch1", tower, in, out, 1, stride);
      shortcut = name + "_branch1" + tower;
    }
    const std::string a = name + "_a" + tower, b = name + "_b" + tower, c = name + "_c" + tower;
    if (bottleneck) {
      all += conv_norm(name + "_a", tower, in, inner, 1, stride_on_1x1 ? stride : 1) + relu(a);
      all += conv_norm(name + "_b", tower, a, inner, 3, stride_on_1x1 ? 1 : stride) + relu(b);
      all += conv_norm(name + "_c", tower, b, out, 1, 1);
    } else {
      all += conv_norm(name + "_a", tower, in, inner, 3, stride) + relu(a);
      all += conv_norm(name + "_b", tower, a, out, 3, 1);
    }
    all += layer(name + tower, "Eltwise", {shortcut, bottleneck ? c : b}, name + tower);
    return all + relu(name + tower);
  }

  std::string tower_layers(const std::string& tower) const {
    std::string all = conv_norm("conv1", tower, "data" + tower, stem_width, 7, 2) + relu("conv1" + tower);
    all += layer("pool1" + tower, "Pooling", {"conv1" + tower}, "pool1" + tower,
                 "pooling_param { pool: MAX kernel_size: 3 stride: 2 }");
    std::string x = "pool1" + tower;
    int channels = stem_width;
    for (std::size_t stage = 0; stage < 4; ++stage)
      for (int i = 0; i < depths[stage]; ++i) {
        const int inner = width << stage, out = bottleneck ? 4 * inner : inner;
        const int stride = stage > 0 && i == 0 ? 2 : 1;
        const std::string name = fmt::format("res{}{}", stage + 2, static_cast<char>('a' + i));
        all += block(name, tower, x, inner, stride, stride != 1 || channels != out);
        x = name + tower;
        channels = out;
      }
    all += layer("pool5" + tower, "Pooling", {x}, "pool5" + tower, "pooling_param { pool: AVE global_pooling: true }");
    if (has_softmax) {
      all += inner_product("fc", tower, "pool5" + tower, 12);
      all += layer("loss" + tower, "SoftmaxWithLoss", {"fc" + tower, "label" + tower}, "loss" + tower, softmax);
    }
    if (has_contrastive) {
      all += inner_product("embed1", tower, "pool5" + tower, 32) + relu("embed1" + tower);
      all += inner_product("embed2", tower, "embed1" + tower, 16);
    }
    return all;
  }
  std::string inner_product(const std::string& name, const std::string& tower, const std::string& in, int out) const {
    return layer(name + tower, "InnerProduct", {in}, name + tower,
                 param(name + "_w", head_weight_param) + param(name + "_b", head_bias_param) +
                     fmt::format("inner_product_param {{ num_output: {} }}", out));
  }
  std::string similarity() const {
    return layer("distance", "EuclideanLoss", {"label", "label_p"}, "similarity") +
           layer("contrastive", "ContrastiveLoss", {"embed2", "embed2_p", "similarity"}, "contrastive", contrastive);
  }
};

/// A solver as the first user's.
inline std::string solver_text(
    const std::string& policy = "lr_policy: \"multistep\"\ngamma: 0.1\nstepvalue: 20000\nstepvalue: 30000\n",
    const std::string& rest = "") {
  return "net: \"train.prototxt\"\nbase_lr: 0.001\n" + policy +
         "max_iter: 40000\nmomentum: 0.9\nweight_decay: 0.0001\nsnapshot: 5000\nsnapshot_prefix: \"snap/siamese\"\n"
         "solver_mode: GPU\n" +
         rest;
}

}  // namespace tandem::test
