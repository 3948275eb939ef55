#include "weights/resnet_weights.h"

#include <algorithm>

#include "weights/caffe/resnet.h"
#include "weights/content.h"
#include "weights/prefix.h"

namespace tandem {
namespace {

/// Reads a shape off the tensors of torchvision's and timm's names.
class ShapeReader {
 public:
  ShapeReader(const std::filesystem::path& path, const ResNetWeights& weights) : path_(path), weights_(weights) {}

  ResNetShape read() const {
    ResNetShape shape;
    shape.deep_stem = weights_.find("conv1.weight") == nullptr;
    shape.stem_width = channels(shape.deep_stem ? "conv1.6.weight" : "conv1.weight", 0);
    shape.bottleneck = weights_.find("layer1.0.conv3.weight") != nullptr;
    while (true) {
      int blocks = 0;
      while (weights_.find(fmt::format("layer{}.{}.conv1.weight", shape.depths.size() + 1, blocks))) ++blocks;
      if (blocks == 0) break;
      shape.depths.push_back(blocks);
    }
    shape.inner_width = channels("layer1.0.conv1.weight", 0);
    shape.width = shape.bottleneck ? channels("layer1.0.conv3.weight", 0) / 4 : shape.inner_width;
    const std::int64_t group = channels("layer1.0.conv2.weight", 1);
    if (group == 0 || shape.inner_width % group != 0)
      refuse_file(path_, "layer1.0.conv2.weight takes {} channels of {}", group, shape.inner_width);
    shape.groups = shape.inner_width / group;
    const bool one_stage = shape.depths.size() == 1;
    shape.average_down =
        weights_.find(one_stage ? "layer1.0.downsample.2.weight" : "layer2.0.downsample.2.weight") != nullptr;
    return shape;
  }

 private:
  std::int64_t channels(const std::string& name, std::size_t axis) const {
    const WeightsEntry* entry = weights_.find(name);
    if (!entry) refuse_file(path_, "has no {}, which a ResNet has", name);
    if (entry->shape.size() != 4)
      refuse_file(path_, "{} is {}, expected four sizes", name, describe_tensor(entry->dtype, entry->shape));
    return entry->shape[axis];
  }

  const std::filesystem::path& path_;
  const ResNetWeights& weights_;
};

}  // namespace

const WeightsEntry* ResNetWeights::find(std::string_view name) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

ResNetWeights resnet_by_names(WeightsFile file, const std::string& key) {
  ResNetWeights found;
  const std::string prefix = find_prefix(file, key, {"bn1.weight", "layer1.0.conv1.weight"}, found.notes);
  for (WeightsEntry& entry : file.entries) {
    if (!entry.name.starts_with(prefix)) {
      found.left_over.push_back(std::move(entry));
      continue;
    }
    std::string name = entry.name.substr(prefix.size());
    if (name.ends_with(".num_batches_tracked")) continue;  // a counter, which no network computes with
    found.origins[name] = std::exchange(entry.name, name);
    found.entries.push_back(std::move(entry));
  }
  found.format = file.format;
  found.shape = ShapeReader(file.path, found).read();
  if (const WeightsEntry* fc = found.find("fc.weight"); fc && fc->shape.size() == 2) found.classes = fc->shape[0];
  found.metadata = std::move(file.metadata);
  found.notes.insert(found.notes.end(), file.notes.begin(), file.notes.end());
  found.owners = std::move(file.owners);
  return found;
}

ResNetWeights read_resnet(const ResNetSource& source) {
  WeightsFile file = read_weights(source.weights);
  if (file.format != "Caffe") {
    if (!source.net.empty())
      refuse_file(source.weights, "a file of the format {}, expected a Caffe model beside a prototxt", file.format);
    return resnet_by_names(std::move(file), source.key);
  }
  if (!source.key.empty()) refuse_file(source.weights, "a Caffe model has no key {}", source.key);
  file = {};  // the model is read again, with its graph
  return read_caffe_resnet(source.weights, source.net);
}

}  // namespace tandem
