#include "weights/caffe/conv_norm.h"

#include "weights/content.h"

namespace tandem {
namespace {

constexpr double kTorchEpsilon = 1e-5;

/// Torch's batch norm while it is put together: (x - mean) / sqrt(variance) * weight + bias.
struct Norm {
  std::vector<double> mean, variance, weight, bias;

  explicit Norm(std::size_t channels) : mean(channels), variance(channels, 1), weight(channels, 1), bias(channels) {}
};

class NormReader {
 public:
  NormReader(const std::filesystem::path& path, std::int64_t channels)
      : path_(path), channels_(channels), norm_(static_cast<std::size_t>(channels)) {}

  void add(const caffe::LayerParameter& layer) {
    if (layer.type() == "BatchNorm")
      add_batch_norm(layer);
    else if (layer.type() == "Scale")
      add_scale(layer);
    else
      add_bias(layer);
  }

  /// The convolution's own bias, which the norm takes in.
  void subtract_from_mean(const std::vector<double>& bias) {
    for (std::size_t i = 0; i < bias.size(); ++i) norm_.mean[i] -= bias[i];
  }

  NormParameters parameters() const {
    NormParameters p;
    for (std::size_t i = 0; i < norm_.mean.size(); ++i) {
      p.weight.push_back(static_cast<float>(norm_.weight[i]));
      p.bias.push_back(static_cast<float>(norm_.bias[i]));
      p.running_mean.push_back(static_cast<float>(norm_.mean[i]));
      p.running_var.push_back(static_cast<float>(norm_.variance[i] - kTorchEpsilon));
    }
    return p;
  }

 private:
  void add_batch_norm(const caffe::LayerParameter& layer) {
    if (normed_ || scaled_) refuse_file(path_, "the layer {} is a batch norm behind another norm", layer.name());
    normed_ = true;
    if (layer.blobs_size() != 3)  // other Caffes keep the scale in a fourth and a fifth
      refuse_file(path_, "the layer {} (BatchNorm) has {} blobs, expected 3", layer.name(), layer.blobs_size());
    const double sum = blob_values(path_, layer, 2, 1)[0];
    const double factor = sum == 0 ? 0 : 1 / sum;
    const auto mean = blob_values(path_, layer, 0, channels_), variance = blob_values(path_, layer, 1, channels_);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      norm_.mean[i] += mean[i] * factor;
      norm_.variance[i] = variance[i] * factor + static_cast<double>(layer.batch_norm_param().eps());
    }
  }

  void add_scale(const caffe::LayerParameter& layer) {
    scaled_ = true;
    const auto scale = blob_values(path_, layer, 0, channels_);
    for (std::size_t i = 0; i < scale.size(); ++i) {
      norm_.weight[i] *= scale[i];
      norm_.bias[i] *= scale[i];
    }
    if (layer.blobs_size() > 1) add_to_bias(blob_values(path_, layer, 1, channels_));
  }

  void add_bias(const caffe::LayerParameter& layer) {
    scaled_ = true;
    add_to_bias(blob_values(path_, layer, 0, channels_));
  }

  void add_to_bias(const std::vector<double>& bias) {
    for (std::size_t i = 0; i < bias.size(); ++i) norm_.bias[i] += bias[i];
  }

  const std::filesystem::path& path_;
  std::int64_t channels_;
  Norm norm_;
  bool normed_ = false, scaled_ = false;
};

}  // namespace

std::vector<double> blob_values(const std::filesystem::path& path, const caffe::LayerParameter& layer, int blob,
                                std::int64_t count) {
  if (blob >= layer.blobs_size())
    refuse_file(path, "the layer {} ({}) has {} blobs, expected {} or more", layer.name(), layer.type(),
                layer.blobs_size(), blob + 1);
  const caffe::BlobProto& proto = layer.blobs(blob);
  const int have = proto.data_size() + proto.double_data_size();
  if (have != count || (proto.data_size() > 0 && proto.double_data_size() > 0))
    refuse_file(path, "blob {} of the layer {} ({}) has {} numbers, expected {}", blob, layer.name(), layer.type(),
                have, count);
  std::vector<double> values(proto.data().begin(), proto.data().end());
  values.insert(values.end(), proto.double_data().begin(), proto.double_data().end());
  return values;
}

NormParameters norm_of(const std::filesystem::path& path, const std::vector<const caffe::LayerParameter*>& layers) {
  const caffe::LayerParameter& convolution = *layers.front();
  if (convolution.blobs_size() == 0) refuse_file(path, "the layer {} has no weights", convolution.name());
  const auto shape = blob_shape(path, convolution.name(), convolution.blobs(0));
  const std::int64_t channels = shape.empty() ? 0 : shape[0];
  NormReader reader(path, channels);
  for (std::size_t i = 1; i < layers.size(); ++i) reader.add(*layers[i]);
  if (convolution.blobs_size() > 1) reader.subtract_from_mean(blob_values(path, convolution, 1, channels));
  return reader.parameters();
}

}  // namespace tandem
