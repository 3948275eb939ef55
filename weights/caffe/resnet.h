#pragma once
// A ResNet in a Caffe network, found by its graph: residual branches are told from shortcuts, and convolutions from
// each other, by what flows into what, whatever the layers are called.

#include <filesystem>

#include "weights/caffe/net.h"
#include "weights/resnet_weights.h"

namespace tandem {

/// `net`: a prototxt, whose layers have their blobs in the model under the same names; empty: the graph in the model.
/// InputError, naming the layer and what was expected, for another kind of network.
ResNetWeights read_caffe_resnet(const std::filesystem::path& model, const std::filesystem::path& net);

/// The same for networks in memory. `path` is named in errors; the result's entries view `model`.
ResNetWeights find_caffe_resnet(const std::filesystem::path& path, const caffe::NetParameter& net,
                                const std::shared_ptr<const caffe::NetParameter>& model);

}  // namespace tandem
