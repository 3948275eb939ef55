#pragma once
// A network that another program trained, as a model of Tandem's.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "inference/model/model_description.h"
#include "weights/match.h"
#include "weights/resnet_weights.h"

namespace tandem {

/// What a file does not tell about the network in it.
struct ImportOptions {
  std::vector<std::string> classes;           ///< names; empty: "0", "1", ..., as many as the classifier has
  std::optional<bool> bgr;                    ///< the order of the channels
  std::optional<std::array<double, 3>> mean;  ///< in that order, of pixels from 0 to 255
  std::optional<double> scale;                ///< by which the difference is multiplied
  std::optional<int> size;                    ///< pixels, height and width of the input
  InputOptions form = {};                     ///< of which resize, crop, interpolation and antialias are taken
  std::vector<int> embedding = {1024, 256};   ///< widths of the embedding head, which begins at random
};

/// What makes the ResNet that was found in the file at `path`. InputError, naming `path`, for one that none of Tandem's
/// backbones can be.
BackboneSpec backbone_of(const std::filesystem::path& path, const ResNetShape& shape);

/// The description of the network. What is assumed, for lack of a word in the file, is added to its notes:
/// torchvision's input for PyTorch's files; for Caffe's BGR, Caffe's usual mean (104, 117, 123) and 224 pixels.
/// InputError, naming `path`, for a network that none of Tandem's backbones can be, or class names that do not fit.
ModelDescription describe_import(const std::filesystem::path& path, const ImportOptions& options,
                                 ResNetWeights& weights);

/// read_resnet(); of a checkpoint of Tandem's that has averaged weights, these, unless a key says otherwise.
ResNetWeights read_network(const ResNetSource& source);

/// What makes the network in a file of any format; `key` as in read_resnet(). InputError if it is none of Tandem's.
BackboneSpec backbone_in(const std::filesystem::path& path, const std::string& key);

/// Copies what fits into a network. The heads, "fc." and "embedding.", may be missing or of other shapes. `skip` as in
/// match_weights(). InputError, naming `path`, for anything else that does not fit.
Match load_weights(const std::filesystem::path& path, const ResNetWeights& weights,
                   const std::vector<std::string>& skip, Backend& backend, TwinTowers& network);

/// Writes a checkpoint: a file for tandem-predict, tandem-eval and model.weights. The heads that the weights lack are
/// drawn at random and described as untrained. Returns the match, for the user. InputError for a file whose blocks have
/// more tensors than a ResNet's: its network computes something else.
Match write_import(const std::filesystem::path& path, const ResNetWeights& weights, const ModelDescription& model,
                   const std::filesystem::path& out);

/// What a run that starts from a file is told.
struct InitialWeights {
  Match match;
  ResNetWeights weights;  ///< whose entries the match refers to
};

/// Starts a network with the input `to` from a file of any format (weights/weights_file.h). A file whose network
/// expects other channels, another mean or scale has its first convolution and batch norm changed so that they compute
/// the same from this input; only within three pixels of the border, where the padding is no longer the old mean, is
/// there a difference. What is changed is told in the notes. `key` as in read_resnet(), `skip` as in match_weights().
InitialWeights load_initial_weights(const std::filesystem::path& path, const std::string& key,
                                    const std::vector<std::string>& skip, Backend& backend, TwinTowers& network,
                                    const InputDescription& to = InputDescription());

}  // namespace tandem
