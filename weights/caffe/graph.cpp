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
  std::map<std::string, int> blobs;  // who wrote each blob last
  for (const caffe::LayerParameter& layer : net.layer()) {
    if (!in_phase(layer, phase)) continue;
    CaffeNode node{&layer, {}, {}};
    for (const std::string& bottom : layer.bottom()) {
      const auto found = blobs.find(bottom);
      node.inputs.push_back(found == blobs.end() ? kNetworkInput : found->second);
    }
    const bool passes_on = (layer.type() == "Split" || layer.type() == "Dropout") && !node.inputs.empty();
    const int writer = passes_on ? node.inputs[0] : size();
    for (const std::string& top : layer.top()) blobs[top] = writer;
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
