#pragma once
// A Caffe network as a graph: who takes its input from whom.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "weights/caffe/net.h"

namespace tandem {

inline constexpr int kNetworkInput = -1;

struct CaffeNode {
  const caffe::LayerParameter* layer;                  ///< the graph's network owns it
  std::vector<int> inputs;                             ///< nodes, or kNetworkInput
  std::vector<int> consumers;                          ///< nodes
  std::vector<const caffe::LayerParameter*> dropouts;  ///< Dropout layers between its inputs and it, in their order

  const std::string& type() const { return layer->type(); }
};

/// Whether a layer's rules let it into a phase.
bool in_phase(const caffe::LayerParameter& layer, caffe::Phase phase);

/// The layers of a phase, in their order. A blob that a layer changes in place has a node for each of its
/// states. Split and Dropout, which pass on what they get, have none.
class CaffeGraph {
 public:
  /// The network must outlive the graph.
  explicit CaffeGraph(const caffe::NetParameter& net, caffe::Phase phase = caffe::TEST);

  const CaffeNode& operator[](int node) const { return nodes_[static_cast<std::size_t>(node)]; }
  int size() const { return static_cast<int>(nodes_.size()); }
  /// A node's type, or "the network's input".
  std::string describe(int node) const;

 private:
  std::vector<CaffeNode> nodes_;
};

}  // namespace tandem
