#include "weights/caffe/net.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "weights/caffe/prototxt.h"
#include "weights/content.h"

namespace tandem {
namespace {

using caffe::LayerParameter;
using caffe::V1LayerParameter;

constexpr int kHighestRank = 8;

constexpr auto kTypes = std::to_array<std::pair<V1LayerParameter::LayerType, const char*>>({
    {V1LayerParameter::ACCURACY, "Accuracy"},
    {V1LayerParameter::CONTRASTIVE_LOSS, "ContrastiveLoss"},
    {V1LayerParameter::CONVOLUTION, "Convolution"},
    {V1LayerParameter::DATA, "Data"},
    {V1LayerParameter::DROPOUT, "Dropout"},
    {V1LayerParameter::DUMMY_DATA, "DummyData"},
    {V1LayerParameter::ELTWISE, "Eltwise"},
    {V1LayerParameter::EUCLIDEAN_LOSS, "EuclideanLoss"},
    {V1LayerParameter::FLATTEN, "Flatten"},
    {V1LayerParameter::HDF5_DATA, "HDF5Data"},
    {V1LayerParameter::IMAGE_DATA, "ImageData"},
    {V1LayerParameter::INNER_PRODUCT, "InnerProduct"},
    {V1LayerParameter::MEMORY_DATA, "MemoryData"},
    {V1LayerParameter::POOLING, "Pooling"},
    {V1LayerParameter::RELU, "ReLU"},
    {V1LayerParameter::SILENCE, "Silence"},
    {V1LayerParameter::SLICE, "Slice"},
    {V1LayerParameter::SOFTMAX, "Softmax"},
    {V1LayerParameter::SOFTMAX_LOSS, "SoftmaxWithLoss"},
    {V1LayerParameter::SPLIT, "Split"},
    {V1LayerParameter::WINDOW_DATA, "WindowData"},
});

int numbers_of(const caffe::BlobProto& blob) { return blob.data_size() + blob.double_data_size(); }

std::string type_of(const V1LayerParameter& layer) {
  for (const auto& [type, name] : kTypes)
    if (layer.has_type() && layer.type() == type) return name;
  if (layer.has_type() && layer.type() != V1LayerParameter::NONE) return V1LayerParameter::LayerType_Name(layer.type());
  if (layer.blobs_size() == 3 && numbers_of(layer.blobs(2)) == 1) return "BatchNorm";
  const bool vectors =
      layer.blobs_size() == 1 || (layer.blobs_size() == 2 && numbers_of(layer.blobs(0)) == numbers_of(layer.blobs(1)));
  return vectors ? "Scale" : "of an unknown type";
}

/// Of a parameter whose factors an old layer gives.
caffe::ParamSpec& param(LayerParameter& layer, int index) {
  while (layer.param_size() <= index) layer.add_param();
  return *layer.mutable_param(index);
}

/// What an old layer says of how it is trained.
void upgrade_training(const V1LayerParameter& old, LayerParameter& layer) {
  *layer.mutable_loss_weight() = old.loss_weight();
  for (int i = 0; i < old.param_size(); ++i) param(layer, i).set_name(old.param(i));
  for (int i = 0; i < old.blobs_lr_size(); ++i) param(layer, i).set_lr_mult(old.blobs_lr(i));
  for (int i = 0; i < old.weight_decay_size(); ++i) param(layer, i).set_decay_mult(old.weight_decay(i));
  if (old.has_data_param()) *layer.mutable_data_param() = old.data_param();
  if (old.has_dropout_param()) *layer.mutable_dropout_param() = old.dropout_param();
  if (old.has_image_data_param()) *layer.mutable_image_data_param() = old.image_data_param();
  if (old.has_slice_param()) *layer.mutable_slice_param() = old.slice_param();
  if (old.has_contrastive_loss_param()) *layer.mutable_contrastive_loss_param() = old.contrastive_loss_param();
  if (old.has_loss_param()) *layer.mutable_loss_param() = old.loss_param();
}

/// A layer of the old kind as one of the new kind. Its blobs move.
LayerParameter upgrade(V1LayerParameter& old) {
  LayerParameter layer;
  layer.set_name(old.name());
  layer.set_type(type_of(old));
  *layer.mutable_bottom() = old.bottom();
  *layer.mutable_top() = old.top();
  *layer.mutable_include() = old.include();
  *layer.mutable_exclude() = old.exclude();
  layer.mutable_blobs()->Swap(old.mutable_blobs());
  if (old.has_convolution_param()) *layer.mutable_convolution_param() = old.convolution_param();
  if (old.has_inner_product_param()) *layer.mutable_inner_product_param() = old.inner_product_param();
  if (old.has_pooling_param()) *layer.mutable_pooling_param() = old.pooling_param();
  if (old.has_eltwise_param()) *layer.mutable_eltwise_param() = old.eltwise_param();
  if (old.has_relu_param()) *layer.mutable_relu_param() = old.relu_param();
  if (old.has_transform_param()) *layer.mutable_transform_param() = old.transform_param();
  upgrade_training(old, layer);
  return layer;
}

}  // namespace

void upgrade_caffe(caffe::NetParameter& net) {
  for (V1LayerParameter& old : *net.mutable_layers()) *net.add_layer() = upgrade(old);
  net.clear_layers();
}

std::shared_ptr<const caffe::NetParameter> read_caffe_model(const std::filesystem::path& path) {
  const auto net = std::make_shared<caffe::NetParameter>();
  {
    const FileContent content(path);
    if (content.bytes().size() > std::numeric_limits<int>::max())
      refuse_file(path, "{} MiB long, expected a Caffe model of less than 2 GiB", content.bytes().size() >> 20U);
    if (!net->ParseFromArray(content.bytes().data(), static_cast<int>(content.bytes().size())))
      refuse_file(path, "begins as a Caffe model does, but is damaged, truncated or something else");
  }
  upgrade_caffe(*net);
  if (net->layer().empty()) refuse_file(path, "begins as a Caffe model does, but has no layers");
  return net;
}

std::shared_ptr<const caffe::NetParameter> read_caffe_text(const std::filesystem::path& path) {
  const auto net = std::make_shared<caffe::NetParameter>();
  const Prototxt text(path, *net, "a network");
  upgrade_caffe(*net);
  if (net->layer().empty()) refuse_file(path, "has no layers, expected a network as a prototxt");
  return net;
}

std::vector<std::int64_t> blob_shape(const std::filesystem::path& path, const std::string& layer,
                                     const caffe::BlobProto& blob) {
  std::vector<std::int64_t> shape;
  if (blob.has_shape())
    shape.assign(blob.shape().dim().begin(), blob.shape().dim().end());
  else if (blob.has_num() || blob.has_channels() || blob.has_height() || blob.has_width())
    shape = {blob.num(), blob.channels(), blob.height(), blob.width()};
  else
    shape = {numbers_of(blob)};
  std::int64_t count = 0;
  if (shape.size() > kHighestRank || !count_elements(shape, count) || count != numbers_of(blob) ||
      (blob.data_size() > 0 && blob.double_data_size() > 0))
    refuse_file(path, "a blob of the layer {} is ({}), but has {} numbers: damaged", layer, fmt::join(shape, ", "),
                numbers_of(blob));
  return shape;
}

WeightsEntry blob_entry(const std::filesystem::path& path, const std::string& layer, int number,
                        const caffe::BlobProto& blob) {
  WeightsEntry entry{fmt::format("{}[{}]", printable(layer), number), "F32", blob_shape(path, layer, blob), {}};
  if (blob.double_data_size() > 0) {
    entry.dtype = "F64";
    entry.data = std::as_bytes(std::span(blob.double_data().data(), static_cast<std::size_t>(blob.double_data_size())));
  } else {
    entry.data = std::as_bytes(std::span(blob.data().data(), static_cast<std::size_t>(blob.data_size())));
  }
  return entry;
}

}  // namespace tandem
