#pragma once
// The parts of a siamese network, found by its graph.

#include <set>
#include <string>
#include <vector>

#include "weights/caffe/graph.h"
#include "weights/caffe/migration/draft.h"

namespace tandem {

/// A network in its training phase.
struct CaffeTraining {
  CaffeTraining(const caffe::NetParameter& network, int old)
      : net(network), graph(network, caffe::TRAIN), old_layers(old) {}

  const caffe::NetParameter& net;
  CaffeGraph graph;
  int old_layers;  ///< layers of the old kind, which are the last of the net's

  /// The way to a node's layer in the text.
  std::vector<Prototxt::Step> at(int node) const;
  std::vector<Prototxt::Step> at(int node, const char* field, const char* below = nullptr) const;
  std::vector<Prototxt::Step> at(const caffe::LayerParameter& layer) const;
  /// The node, and everything that it computes with.
  std::set<int> ancestors(int node) const;
};

/// By nodes; kNone where there is none.
struct SiameseParts {
  static constexpr int kNone = -1;

  std::vector<int> softmax;      ///< SoftmaxWithLoss layers, at most two are used
  std::vector<int> classifiers;  ///< the InnerProduct before each
  int contrastive = kNone;
  std::vector<int> embedding[2];  ///< InnerProduct layers of each tower, in their order
  /// Dropout layers between the features and each head, classifiers and embedding heads of both towers.
  std::vector<std::vector<const caffe::LayerParameter*>> dropouts;
  std::vector<int> data;         ///< data layers
  std::set<int> used;            ///< every node that the config says
  bool features_sliced = false;  ///< one tower sees both images of each pair; its features are parted behind it
  bool images_sliced = false;    ///< a Slice layer parts images
};

/// Tells in `notes` what does not fit a siamese network of Tandem's.
SiameseParts find_siamese(const CaffeTraining& net, CaffeNotes& notes);

}  // namespace tandem
