#pragma once
// A ResNet in a Caffe network, found by its graph: residual branches are told from shortcuts, and convolutions from
// each other, by what flows into what, whatever the layers are called.

#include <filesystem>

#include "weights/resnet_weights.h"

namespace tandem {

/// `net`: a prototxt, whose layers have their blobs in the model under the same names; empty: the graph in the model.
/// InputError, naming the layer and what was expected, for another kind of network.
ResNetWeights read_caffe_resnet(const std::filesystem::path& model, const std::filesystem::path& net);

}  // namespace tandem
