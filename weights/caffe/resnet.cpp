#include "weights/caffe/resnet.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "weights/caffe/conv_norm.h"
#include "weights/caffe/graph.h"
#include "weights/caffe/window.h"
#include "weights/content.h"

namespace tandem {
namespace {

/// A convolution with the norms behind it, by their nodes.
struct Chain {
  int convolution = 0;
  std::vector<int> norms;  // in their order
};

/// The way from a block's input to its sum.
struct Branch {
  std::vector<Chain> chains;
};

bool is_norm(const CaffeNode& node) {
  return node.type() == "BatchNorm" || node.type() == "Scale" || node.type() == "Bias";
}

class ResNetFinder {
 public:
  /// Blobs are taken from `model` by the names of the layers of `net`, which may be `model` itself.
  ResNetFinder(const std::filesystem::path& path, const caffe::NetParameter& net, const caffe::NetParameter& model,
               ResNetWeights& found)
      : path_(path), graph_(net), found_(found) {
    for (const caffe::LayerParameter& layer : model.layer())
      if (layer.blobs_size() > 0) blobs_.emplace(layer.name(), &layer);
  }

  void find() {
    int x = find_stem();
    for (int node = x + 1; node < graph_.size(); ++node) {
      if (graph_[node].type() != "Eltwise") continue;
      if (!reaches(node, x)) continue;  // of another tower
      x = find_block(node, x);
      node = x;
    }
    if (found_.shape.depths.empty()) refuse("has no residual block: no Eltwise layer behind {}", graph_.describe(x));
    find_classifier(x);
    list_left_over();
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    refuse_file(path_, "not a ResNet that Tandem has: {}", fmt::format(format, std::forward<Args>(args)...));
  }

  // --- The graph ---

  /// The one consumer of a node.
  int next(int node, std::string_view type) const {
    const auto& consumers = graph_[node].consumers;
    if (consumers.size() != 1 || graph_[consumers[0]].type() != type)
      refuse("behind {} comes {}, expected a layer of the type {}", graph_.describe(node),
             consumers.empty() ? "nothing" : graph_.describe(consumers[0]), type);
    return consumers[0];
  }
  int input_of(int node) const {
    const auto& inputs = graph_[node].inputs;
    if (inputs.size() != 1) refuse("{} has {} inputs, expected one", graph_.describe(node), inputs.size());
    return inputs[0];
  }
  int next_relu(int node) const {
    const int relu = next(node, "ReLU");
    check_relu(relu);
    return relu;
  }
  void check_relu(int node) const {
    if (graph_[node].layer->relu_param().negative_slope() != 0)
      refuse("{} has a slope for negative numbers", graph_.describe(node));
  }
  bool reaches(int node, int target) const {
    std::set<int> seen;
    std::vector<int> open = {node};
    while (!open.empty()) {
      const int at = open.back();
      open.pop_back();
      if (at == target) return true;
      if (at < target || !seen.insert(at).second) continue;  // inputs have smaller numbers
      for (const int input : graph_[at].inputs) open.push_back(input);
    }
    return false;
  }

  // --- The stem ---

  /// The first convolution, its norm, ReLU and pool; returns the pool.
  int find_stem() {
    int node = 0;
    while (node < graph_.size() && graph_[node].type() != "Convolution") ++node;
    if (node == graph_.size()) refuse("it has no convolution");
    check_input(input_of(node));
    Chain stem{node, {}};
    while (graph_[node].consumers.size() == 1 && is_norm(graph_[graph_[node].consumers[0]])) {
      node = graph_[node].consumers[0];
      stem.norms.push_back(node);
    }
    check_window(stem.convolution, {7, 2, 3, true});
    const auto shape = add_chain(stem, "conv1", "bn1");
    if (shape[1] != 3) refuse("{} takes {} channels, expected 3", graph_.describe(stem.convolution), shape[1]);
    found_.shape.stem_width = shape[0];
    const int pool = next(next_relu(node), "Pooling");
    const auto& parameters = graph_[pool].layer->pooling_param();
    if (parameters.pool() != caffe::PoolingParameter::MAX || window_of(parameters) != CaffeWindow{3, 2, 0, true})
      refuse("{} is no maximum over 3x3 of stride 2 without padding", graph_.describe(pool));
    found_.shape.caffe_pool = true;
    return pool;
  }

  void check_input(int node) const {
    if (node == kNetworkInput || graph_[node].inputs.empty()) return;
    if (graph_[node].type() == "Slice") return;  // of a pair of images
    refuse("its first convolution takes its input from {}, expected the network's", graph_.describe(node));
  }

  void check_window(int node, const CaffeWindow& expected) const {
    const CaffeWindow have = window_of(graph_[node].layer->convolution_param());
    if (have != expected)
      refuse("{} has kernel {}, stride {}, padding {}{}, expected {}, {}, {}", graph_.describe(node), have.kernel,
             have.stride, have.pad, have.square ? "" : " in one direction, or is dilated", expected.kernel,
             expected.stride, expected.pad);
  }

  // --- Blocks ---

  /// The way back from one of a sum's inputs to the block's input x.
  Branch trace(int node, int x) const {
    Branch branch;
    while (node != x) {
      if (!branch.chains.empty()) {
        if (node == kNetworkInput || graph_[node].type() != "ReLU")
          refuse("{} takes its input from {}, expected a ReLU", graph_.describe(branch.chains.back().convolution),
                 graph_.describe(node));
        check_relu(node);
        node = input_of(node);
      }
      Chain chain;
      for (; node != kNetworkInput && is_norm(graph_[node]); node = input_of(node)) chain.norms.push_back(node);
      if (node == kNetworkInput || graph_[node].type() != "Convolution")
        refuse("a residual block has {} where a convolution was expected", graph_.describe(node));
      std::reverse(chain.norms.begin(), chain.norms.end());
      chain.convolution = node;
      branch.chains.push_back(std::move(chain));
      node = input_of(node);
    }
    std::reverse(branch.chains.begin(), branch.chains.end());
    return branch;
  }

  /// The block that ends with the sum; returns the ReLU behind it.
  int find_block(int sum, int x) {
    const CaffeNode& node = graph_[sum];
    const auto& parameters = node.layer->eltwise_param();
    const bool plain =
        parameters.operation() == caffe::EltwiseParameter::SUM &&
        std::all_of(parameters.coeff().begin(), parameters.coeff().end(), [](float c) { return c == 1; });
    if (node.inputs.size() != 2 || !plain) refuse("{} is no sum of two", graph_.describe(sum));
    Branch residual = trace(node.inputs[0], x), shortcut = trace(node.inputs[1], x);
    if (residual.chains.size() < shortcut.chains.size()) std::swap(residual, shortcut);
    if (shortcut.chains.size() > 1 || residual.chains.size() < 2 || residual.chains.size() > 3)
      refuse("the branches of {} have {} and {} convolutions, expected 2 or 3, and 1 or none", graph_.describe(sum),
             residual.chains.size(), shortcut.chains.size());
    add_block(residual, shortcut, sum);
    return next_relu(sum);
  }

  void add_block(const Branch& residual, const Branch& shortcut, int sum) {
    ResNetShape& shape = found_.shape;
    const bool bottleneck = residual.chains.size() == 3;
    if (shape.depths.empty()) shape.bottleneck = bottleneck;
    if (bottleneck != shape.bottleneck) refuse("it has blocks of two and of three convolutions");
    const std::int64_t width = shape_of(residual.chains[bottleneck ? 2 : 0].convolution)[0] / (bottleneck ? 4 : 1);
    if (width == 0) refuse("a block that ends with {} has no channels", graph_.describe(sum));
    const bool first = shape.depths.empty() || width != width_;
    if (first) {
      if (shape.depths.empty()) shape.width = width;
      if (width != shape.width << shape.depths.size())
        refuse("stage {} has {} channels, expected {}: twice those of the one before", shape.depths.size() + 1, width,
               shape.width << shape.depths.size());
      shape.depths.push_back(0);
      width_ = width;
    }
    const std::uint64_t stride = first && shape.depths.size() > 1 ? 2 : 1;
    const std::string name = fmt::format("layer{}.{}", shape.depths.size(), shape.depths.back()++);
    add_residual(residual, stride, name);
    if (const bool needed = first && (stride != 1 || shape.stem_width != (bottleneck ? 4 : 1) * width);
        needed != !shortcut.chains.empty())
      refuse("{} has {} convolution on its shortcut, expected {}", graph_.describe(sum), needed ? "no" : "a",
             needed ? "one" : "none, as input and output are of the same size");
    if (shortcut.chains.empty()) return;
    check_window(shortcut.chains[0].convolution, {1, stride, 0, true});
    add_chain(shortcut.chains[0], name + ".downsample.0", name + ".downsample.1");
  }

  void add_residual(const Branch& residual, std::uint64_t stride, const std::string& name) {
    ResNetShape& shape = found_.shape;
    const auto& chains = residual.chains;
    const bool bottleneck = chains.size() == 3;
    const int spatial = chains[bottleneck ? 1 : 0].convolution;
    if (bottleneck && stride == 2) {
      const bool on_1x1 = window_of(graph_[chains[0].convolution].layer->convolution_param()).stride == 2;
      if (shape.depths.size() == 2) shape.stride_on_1x1 = on_1x1;
    }
    const bool on_1x1 = bottleneck && shape.stride_on_1x1;
    for (std::size_t i = 0; i < chains.size(); ++i) {
      const std::uint64_t kernel = bottleneck && i != 1 ? 1 : 3;
      const bool strided = bottleneck ? i == (on_1x1 ? 0U : 1U) : i == 0;
      check_window(chains[i].convolution, {kernel, strided ? stride : 1, kernel / 2, true});
      const auto number = std::to_string(i + 1);
      add_chain(chains[i], fmt::format("{}.conv{}", name, number), fmt::format("{}.bn{}", name, number));
    }
    if (shape.depths.size() == 1 && shape.depths[0] == 1) {
      shape.inner_width = shape_of(spatial)[0];
      shape.groups = groups_of(spatial);
    }
    for (const Chain& chain : chains) {
      const std::int64_t expected = bottleneck && chain.convolution == spatial ? shape.groups : 1;
      if (groups_of(chain.convolution) != expected)
        refuse("{} has {} groups, expected {}", graph_.describe(chain.convolution), groups_of(chain.convolution),
               expected);
    }
  }

  // --- The classifier ---

  void find_classifier(int x) {
    int node = x;
    while (node != kNetworkInput && graph_[node].type() != "InnerProduct") {
      const auto& consumers = graph_[node].consumers;
      const auto found = std::find_if(consumers.begin(), consumers.end(), [this](int consumer) {
        const std::string& type = graph_[consumer].type();
        return type == "Pooling" || type == "Flatten" || type == "Reshape" || type == "InnerProduct";
      });
      if (found == consumers.end()) {
        found_.notes.push_back("no classifier: no InnerProduct layer behind " + graph_.describe(node));
        return;
      }
      node = *found;
      if (graph_[node].type() == "Pooling") check_average(node);
    }
    add_classifier(node);
  }

  void check_average(int node) {
    const auto& parameters = graph_[node].layer->pooling_param();
    const CaffeWindow window = window_of(parameters);
    if (parameters.pool() != caffe::PoolingParameter::AVE || window.pad != 0)
      refuse("{} is no average without padding", graph_.describe(node));
    if (!parameters.global_pooling())
      found_.notes.push_back(fmt::format("{} is taken as the average over everything, which {}x{} is at an input of {}",
                                         graph_.describe(node), window.kernel, window.kernel, window.kernel * 32));
  }

  void add_classifier(int node) {
    const caffe::LayerParameter& layer = with_blobs(node);
    if (graph_[node].layer->inner_product_param().transpose()) refuse("{} is transposed", graph_.describe(node));
    const ResNetShape& shape = found_.shape;
    const std::int64_t features = (shape.width << (shape.depths.size() - 1)) * (shape.bottleneck ? 4 : 1);
    WeightsEntry weight = blob_entry(path_, layer.name(), 0, layer.blobs(0));
    const std::int64_t numbers = layer.blobs(0).data_size() + layer.blobs(0).double_data_size();
    if (numbers == 0 || numbers % features != 0)
      refuse("{} has {} weights, expected a multiple of the {} features", graph_.describe(node), numbers, features);
    found_.classes = numbers / features;
    weight.shape = {found_.classes, features};  // an old file has four sizes, the first two 1
    take("fc.weight", std::move(weight));
    if (layer.blobs_size() > 1) {
      const auto values = blob_values(path_, layer, 1, found_.classes);
      own("fc.bias", {values.begin(), values.end()}, layer.name() + "[1]");
    } else {
      own("fc.bias", std::vector<float>(static_cast<std::size_t>(found_.classes)), "zeros: no bias in the file");
    }
  }

  // --- Tensors ---

  const caffe::LayerParameter& with_blobs(int node) {
    const auto found = blobs_.find(graph_[node].layer->name());
    if (found == blobs_.end()) refuse_file(path_, "has no blobs for {}", graph_.describe(node));
    used_.insert(found->first);
    return *found->second;
  }
  std::vector<std::int64_t> shape_of(int convolution) {
    const caffe::LayerParameter& layer = with_blobs(convolution);
    auto shape = blob_shape(path_, layer.name(), layer.blobs(0));
    if (shape.size() != 4 || shape[0] == 0)
      refuse_file(path_, "{} has weights ({}), expected four sizes", graph_.describe(convolution),
                  fmt::join(shape, ", "));
    return shape;
  }
  std::int64_t groups_of(int convolution) const {
    return static_cast<std::int64_t>(graph_[convolution].layer->convolution_param().group());
  }

  /// Takes a convolution and its norms by these names; returns the weight's shape.
  std::vector<std::int64_t> add_chain(const Chain& chain, const std::string& conv, const std::string& norm) {
    std::vector<std::int64_t> shape = shape_of(chain.convolution);
    const caffe::LayerParameter& layer = with_blobs(chain.convolution);
    std::vector<const caffe::LayerParameter*> layers = {&layer};
    std::vector<std::string> names;
    if (layer.blobs_size() > 1) names.push_back(layer.name() + "[1]");
    for (const int node : chain.norms) {
      layers.push_back(&with_blobs(node));
      names.push_back(graph_[node].layer->name());
    }
    take(conv + ".weight", blob_entry(path_, layer.name(), 0, layer.blobs(0)));
    const std::string origin = names.empty() ? "no norm in the file" : fmt::format("{}", fmt::join(names, " + "));
    NormParameters p = norm_of(path_, layers);
    own(norm + ".weight", std::move(p.weight), origin);
    own(norm + ".bias", std::move(p.bias), origin);
    own(norm + ".running_mean", std::move(p.running_mean), origin);
    own(norm + ".running_var", std::move(p.running_var), origin);
    return shape;
  }

  void take(std::string name, WeightsEntry entry) {
    found_.origins[name] = entry.name;
    entry.name = std::move(name);
    found_.entries.push_back(std::move(entry));
  }
  void own(std::string name, std::vector<float> values, const std::string& origin) {
    const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
    found_.owners.push_back(owner);
    found_.origins[name] = printable(origin);
    found_.entries.push_back(
        {std::move(name), "F32", {static_cast<std::int64_t>(owner->size())}, std::as_bytes(std::span(*owner))});
  }

  void list_left_over() {
    for (const auto& [name, layer] : blobs_)
      if (!used_.contains(name))
        for (int i = 0; i < layer->blobs_size(); ++i)
          found_.left_over.push_back(blob_entry(path_, name, i, layer->blobs(i)));
  }

  const std::filesystem::path& path_;
  CaffeGraph graph_;
  ResNetWeights& found_;
  std::map<std::string, const caffe::LayerParameter*> blobs_;
  std::set<std::string> used_;
  std::int64_t width_ = 0;  // of the stage at hand
};

/// What the networks tell about their input: the first layer that subtracts or multiplies, and the first size.
SourceInput input_of(const caffe::NetParameter& net, std::vector<std::string>& notes) {
  SourceInput input;
  input.bgr = true;  // as Caffe reads images
  for (const caffe::LayerParameter& layer : net.layer()) {
    const auto& transform = layer.transform_param();
    if (!input.size && transform.crop_size() > 0) input.size = static_cast<std::int64_t>(transform.crop_size());
    if (!input.size && layer.input_param().shape_size() > 0 && layer.input_param().shape(0).dim_size() == 4)
      input.size = layer.input_param().shape(0).dim(2);
    if (layer.has_transform_param() && input.scale == 1) input.scale = static_cast<double>(transform.scale());
    const auto& mean = transform.mean_value();
    if (!input.mean && mean.size() == 1) input.mean = {mean[0], mean[0], mean[0]};
    if (!input.mean && mean.size() == 3) input.mean = {mean[0], mean[1], mean[2]};
    if (transform.has_mean_file())
      notes.push_back("the mean is in a file of its own, which is not read: " + printable(transform.mean_file()));
  }
  if (!input.size && net.input_dim_size() == 4) input.size = net.input_dim(2);
  if (!input.size && net.input_shape_size() > 0 && net.input_shape(0).dim_size() == 4)
    input.size = net.input_shape(0).dim(2);
  return input;
}

}  // namespace

ResNetWeights find_caffe_resnet(const std::filesystem::path& path, const caffe::NetParameter& net,
                                const std::shared_ptr<const caffe::NetParameter>& model) {
  ResNetWeights found;
  found.format = "Caffe";
  found.owners = {model};
  ResNetFinder(path, net, *model, found).find();
  found.input = input_of(net, found.notes);
  return found;
}

ResNetWeights read_caffe_resnet(const std::filesystem::path& model, const std::filesystem::path& net) {
  const auto blobs = read_caffe_model(model);
  const auto graph = net.empty() ? blobs : read_caffe_text(net);
  ResNetWeights found = find_caffe_resnet(net.empty() ? model : net, *graph, blobs);
  if (!found.input->mean && !net.empty()) found.input->mean = input_of(*blobs, found.notes).mean;
  return found;
}

}  // namespace tandem
