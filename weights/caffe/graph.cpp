#include "weights/caffe/graph.h"

#include <algorithm>

#include "weights/content.h"

namespace tandem {

bool in_phase(const caffe::LayerParameter& layer, caffe::Phase phase) {
  const auto holds = [phase](const caffe::NetStateRule& rule) { return !rule.has_phase() || rule.phase() == phase; };
  if (!layer.include().empty()) return std::any_of(layer.include().begin(), layer.include().end(), holds);
  return std::none_of(layer.exclude().begin(), layer.exclude().end(), holds);
}

CaffeGraph::CaffeGraph(const caffe::NetParameter& net, caffe::Phase phase) {
  struct Blob {
    int writer = kNetworkInput;  // the last
    std::vector<const caffe::LayerParameter*> dropouts = {};
  };
  std::map<std::string, Blob> blobs;
  for (const caffe::LayerParameter& layer : net.layer()) {
    if (!in_phase(layer, phase)) continue;
    CaffeNode node{&layer, {}, {}, {}};
    for (const std::string& bottom : layer.bottom()) {
      const auto found = blobs.find(bottom);
      const Blob blob = found == blobs.end() ? Blob() : found->second;
      node.inputs.push_back(blob.writer);
      node.dropouts.insert(node.dropouts.end(), blob.dropouts.begin(), blob.dropouts.end());
    }
    const bool drops = layer.type() == "Dropout",
               passes_on = (layer.type() == "Split" || drops) && !node.inputs.empty();
    Blob top{passes_on ? node.inputs[0] : size(), {}};
    if (passes_on) top.dropouts = node.dropouts;
    if (passes_on && drops) top.dropouts.push_back(&layer);
    for (const std::string& name : layer.top()) blobs[name] = top;
    if (passes_on) continue;
    for (const int input : node.inputs)
      if (input != kNetworkInput) nodes_[static_cast<std::size_t>(input)].consumers.push_back(size());
    nodes_.push_back(std::move(node));
  }
}

std::string CaffeGraph::describe(int node) const {
  if (node == kNetworkInput) return "the network's input";
  return fmt::format("the layer {} ({})", printable((*this)[node].layer->name()), printable((*this)[node].type()));
}

}  // namespace tandem
