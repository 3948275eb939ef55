#include "weights/caffe/migration/siamese.h"

#include <algorithm>

#include "weights/content.h"

namespace tandem {
namespace {

class SiameseFinder {
 public:
  SiameseFinder(const CaffeTraining& net, CaffeNotes& notes) : net_(net), notes_(notes) {}

  SiameseParts find() {
    for (int node = 0; node < net_.graph.size(); ++node) {
      const std::string& type = net_.graph[node].type();
      if (type == "SoftmaxWithLoss" || type == "SoftmaxLoss") take_softmax(node);
      if (type == "ContrastiveLoss") take_contrastive(node);
    }
    for (int node = 0; node < net_.graph.size(); ++node)
      if (net_.graph[node].inputs.empty() && parts_.used.contains(node)) parts_.data.push_back(node);
    for (const int head : parts_.classifiers) parts_.dropouts.push_back(dropouts_before(head));
    for (const auto& head : parts_.embedding)
      if (!head.empty()) parts_.dropouts.push_back(dropouts_before(head.front()));
    check_sharing();
    return parts_;
  }

 private:
  const std::string& type(int node) const { return net_.graph[node].type(); }
  void use(int node) {
    const std::set<int> all = net_.ancestors(node);
    parts_.used.insert(all.begin(), all.end());
    for (const int one : all)
      if (type(one) == "Slice") check_slice(one);
  }
  /// Labels may be parted as well; it is images, or what is computed from them, that matter.
  void check_slice(int node) {
    const int input = net_.graph[node].inputs.empty() ? kNetworkInput : net_.graph[node].inputs[0];
    const bool of_data = input == kNetworkInput || net_.graph[input].inputs.empty();
    if (!of_data)
      parts_.features_sliced = true;
    else if (input != kNetworkInput && net_.graph[input].layer->top(0) == net_.graph[node].layer->bottom(0))
      parts_.images_sliced = true;
  }

  void take_softmax(int node) {
    if (parts_.softmax.size() == 2) {
      notes_.missing(net_.at(node), fmt::format("{}: a third softmax loss", net_.graph.describe(node)));
      return;
    }
    const auto& inputs = net_.graph[node].inputs;
    const int classifier =
        inputs.empty() || inputs[0] == kNetworkInput ? SiameseParts::kNone : behind_slices(inputs[0]);
    if (classifier == SiameseParts::kNone || type(classifier) != "InnerProduct") {
      notes_.missing(net_.at(node),
                     fmt::format("{}: it does not take an InnerProduct layer", net_.graph.describe(node)));
      return;
    }
    parts_.softmax.push_back(node);
    parts_.classifiers.push_back(classifier);
    use(node);
  }

  int behind_slices(int node) const {
    while (node != kNetworkInput && type(node) == "Slice" && !net_.graph[node].inputs.empty())
      node = net_.graph[node].inputs[0];
    return node;
  }

  void take_contrastive(int node) {
    const auto& inputs = net_.graph[node].inputs;
    if (parts_.contrastive != SiameseParts::kNone || inputs.size() < 3 || inputs.size() > 4) {
      notes_.missing(net_.at(node), fmt::format("{}: {}", net_.graph.describe(node),
                                                inputs.size() < 3 || inputs.size() > 4
                                                    ? fmt::format("{} bottoms, expected 3 or 4", inputs.size())
                                                    : "a second contrastive loss"));
      return;
    }
    parts_.contrastive = node;
    for (const int tower : {0, 1}) parts_.embedding[tower] = head(inputs[static_cast<std::size_t>(tower)]);
    use(node);
    check_similarity(node);
  }

  /// The InnerProduct layers of an embedding head, first to last; what else it has is told.
  std::vector<int> head(int node) {
    std::vector<int> layers;
    while (node != kNetworkInput) {
      const std::string& kind = type(node);
      const bool features = kind == "Pooling" || kind == "Convolution" || kind == "Eltwise" || kind == "Flatten" ||
                            kind == "Reshape" || kind == "Concat" || net_.graph[node].inputs.size() != 1;
      if (features) break;
      if (kind == "InnerProduct")
        layers.push_back(node);
      else if (kind != "Slice" && kind != "ReLU")
        notes_.missing(net_.at(node), fmt::format("{}, in the embedding head", net_.graph.describe(node)));
      node = net_.graph[node].inputs[0];
    }
    std::reverse(layers.begin(), layers.end());
    // ReLU behind the last layer is another head than Tandem's, whose last layer has none.
    return layers;
  }

  /// The Dropout layers on the way from the features to a head, the nearest first.
  std::vector<const caffe::LayerParameter*> dropouts_before(int node) const {
    std::vector<const caffe::LayerParameter*> all;
    for (;;) {
      const auto& own = net_.graph[node].dropouts;
      all.insert(all.end(), own.rbegin(), own.rend());
      if (net_.graph[node].inputs.size() != 1 || net_.graph[node].inputs[0] == kNetworkInput) return all;
      node = net_.graph[node].inputs[0];
      const std::string& kind = type(node);
      if (kind != "Slice" && kind != "Flatten" && kind != "Reshape") return all;
    }
  }

  /// The bottoms behind the embeddings: a similarity, or the labels of both.
  void check_similarity(int node) {
    const auto& inputs = net_.graph[node].inputs;
    if (inputs.size() == 4) return;  // labels of both, which are compared
    const int similarity = inputs[2] == kNetworkInput ? kNetworkInput : behind_slices(inputs[2]);
    if (similarity == kNetworkInput || net_.graph[similarity].inputs.empty()) {
      notes_.differs(net_.at(node, "bottom"),
                     "the similarity of each pair comes ready-made: Tandem pairs images at random, and takes a pair as "
                     "similar if both have the same class");
      return;
    }
    std::string by;
    for (const int one : net_.ancestors(similarity))
      if (!net_.graph[one].inputs.empty()) by += (by.empty() ? "" : ", ") + type(one);
    notes_.differs(
        net_.at(similarity),
        fmt::format("the similarity of each pair is computed from labels ({}): Tandem takes a pair as similar "
                    "if both have the same class",
                    by));
  }

  /// Every parameter of the second tower must be one of the first's.
  void check_sharing() {
    const auto ends = [&](std::size_t tower) {
      std::set<int> all;
      if (parts_.contrastive != SiameseParts::kNone) {
        const int input = net_.graph[parts_.contrastive].inputs[tower];
        if (input != kNetworkInput) all = net_.ancestors(input);
      }
      if (tower < parts_.classifiers.size()) all.merge(net_.ancestors(parts_.classifiers[tower]));
      return all;
    };
    const std::set<int> first = ends(0), second = ends(1);
    std::set<std::string> names;
    for (const int node : first)
      for (const auto& param : net_.graph[node].layer->param()) names.insert(param.name());
    for (const int node : second) {
      static const std::set<std::string> kWithParameters = {"Convolution", "InnerProduct", "Scale", "Bias"};
      if (first.contains(node) || !kWithParameters.contains(type(node))) continue;
      const caffe::LayerParameter& layer = *net_.graph[node].layer;
      const bool shared = layer.param_size() > 0 &&
                          std::all_of(layer.param().begin(), layer.param().end(),
                                      [&](const auto& p) { return !p.name().empty() && names.contains(p.name()); });
      if (!shared)
        notes_.differs(net_.at(node), fmt::format("{} has parameters of its own: Tandem's towers share all of theirs",
                                                  net_.graph.describe(node)));
    }
  }

  const CaffeTraining& net_;
  CaffeNotes& notes_;
  SiameseParts parts_;
};

}  // namespace

std::vector<Prototxt::Step> CaffeTraining::at(const caffe::LayerParameter& layer) const {
  int index = 0;
  while (index < net.layer_size() && &net.layer(index) != &layer) ++index;
  const int new_layers = net.layer_size() - old_layers;
  if (index >= new_layers) return {{"layers", index - new_layers}};
  return {{"layer", index}};
}

std::vector<Prototxt::Step> CaffeTraining::at(int node) const { return at(*graph[node].layer); }

std::vector<Prototxt::Step> CaffeTraining::at(int node, const char* field, const char* below) const {
  std::vector<Prototxt::Step> steps = at(node);
  static const std::set<std::string_view> kLists = {"bottom", "top", "param", "loss_weight", "mean_value"};
  steps.emplace_back(field, kLists.contains(field) ? 0 : -1);
  if (below != nullptr) steps.emplace_back(below, kLists.contains(below) ? 0 : -1);
  return steps;
}

std::set<int> CaffeTraining::ancestors(int node) const {
  std::set<int> all;
  std::vector<int> open = {node};
  while (!open.empty()) {
    const int one = open.back();
    open.pop_back();
    if (one == kNetworkInput || !all.insert(one).second) continue;
    const auto& inputs = graph[one].inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return all;
}

SiameseParts find_siamese(const CaffeTraining& net, CaffeNotes& notes) { return SiameseFinder(net, notes).find(); }

}  // namespace tandem
