#pragma once
// A ResNet found in a file of weights: its tensors by torchvision's names, and what it is.

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weights/weights_file.h"

namespace tandem {

/// A residual network's shape, as far as a file tells it.
struct ResNetShape {
  bool bottleneck = true;        ///< 1x1, 3x3, 1x1 with four times the width; else 3x3, 3x3
  std::vector<int> depths;       ///< residual blocks of each stage
  std::int64_t width = 64;       ///< channels of the first stage's 1x1 (bottleneck) or 3x3 (basic) convolutions' output
  std::int64_t stem_width = 64;  ///< channels of the first convolution
  std::int64_t groups = 1;       ///< of the 3x3 convolutions
  std::int64_t inner_width = 64;  ///< channels of the first stage's 3x3 convolutions; `width` unless wide or grouped
  bool stride_on_1x1 = false;  ///< a bottleneck's stride is on its first convolution; a list of tensors does not tell
  bool caffe_pool = false;     ///< the first pool has no padding and rounds up; a list of tensors does not tell
  bool deep_stem = false;      ///< three 3x3 convolutions in the place of the first (timm's "d")
  bool average_down = false;   ///< an average pool before a shortcut's convolution (timm's "d"), as names tell it
};

/// What the network expects as its input, as far as a file tells it.
struct SourceInput {
  bool bgr = false;
  std::optional<std::array<double, 3>> mean;  ///< subtracted, in the order of the channels, of pixels from 0 to 255
  double scale = 1;                           ///< by which the difference is multiplied
  std::optional<std::int64_t> size;           ///< pixels, height and width
};

struct ResNetWeights {
  std::string format;
  ResNetShape shape;
  std::int64_t classes = 0;                    ///< of the classifier, "fc."; 0 without one
  std::vector<WeightsEntry> entries;           ///< by torchvision's names, without num_batches_tracked
  std::map<std::string, std::string> origins;  ///< an entry's name, and what the file calls it
  std::vector<WeightsEntry> left_over;         ///< by the file's names
  std::optional<SourceInput> input;            ///< Caffe alone tells it
  std::vector<std::string> notes;              ///< what was decided on the way, a line each
  std::map<std::string, std::string> metadata;
  std::vector<std::shared_ptr<const void>> owners;

  /// Null if there is no such tensor.
  const WeightsEntry* find(std::string_view name) const;
};

struct ResNetSource {
  std::filesystem::path weights;
  std::filesystem::path net;  ///< Caffe's prototxt; empty: the graph in the model's own file
  std::string key;            ///< where in the file the weights lie, "model_ema"; empty: found out
};

/// Reads a file of any format (weights/weights_file.h) and finds a ResNet in it.
///
/// Wrappers and prefixes of names, "state_dict.module.", are seen through and told in the notes. Of several sets of
/// weights the one under the key is taken; without a key the one that is no moving average. InputError if there is no
/// ResNet, or if it cannot be told which.
ResNetWeights read_resnet(const ResNetSource& source);

/// read_resnet() for tensors by PyTorch's names, whose format has no graph.
ResNetWeights resnet_by_names(WeightsFile file, const std::string& key);

}  // namespace tandem
