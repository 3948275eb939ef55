#include "weights/caffe/net.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "weights/content.h"

namespace tandem {
namespace {

using caffe::LayerParameter;
using caffe::V1LayerParameter;

constexpr std::size_t kLargestText = 16U << 20U;
constexpr int kDeepest = 32;  // messages within messages in a text; Caffe needs five
constexpr int kHighestRank = 8;

constexpr auto kTypes = std::to_array<std::pair<V1LayerParameter::LayerType, const char*>>({
    {V1LayerParameter::ACCURACY, "Accuracy"},
    {V1LayerParameter::CONVOLUTION, "Convolution"},
    {V1LayerParameter::DATA, "Data"},
    {V1LayerParameter::DROPOUT, "Dropout"},
    {V1LayerParameter::DUMMY_DATA, "DummyData"},
    {V1LayerParameter::ELTWISE, "Eltwise"},
    {V1LayerParameter::FLATTEN, "Flatten"},
    {V1LayerParameter::HDF5_DATA, "HDF5Data"},
    {V1LayerParameter::IMAGE_DATA, "ImageData"},
    {V1LayerParameter::INNER_PRODUCT, "InnerProduct"},
    {V1LayerParameter::MEMORY_DATA, "MemoryData"},
    {V1LayerParameter::POOLING, "Pooling"},
    {V1LayerParameter::RELU, "ReLU"},
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
  return layer;
}

void upgrade(caffe::NetParameter& net) {
  for (V1LayerParameter& old : *net.mutable_layers()) *net.add_layer() = upgrade(old);
  net.clear_layers();
}

/// Keeps the first error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) text_ = fmt::format("{}:{}: {}", line + 1, column + 1, message);
  }
  void AddWarning(int, int, const std::string&) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// How deep braces are nested, at the least: what is quoted or commented may count as well.
int nesting(std::string_view text) {
  int depth = 0, deepest = 0;
  for (const char c : text) {
    if (c == '{' || c == '<') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == '>') --depth;
  }
  return deepest;
}

}  // namespace

std::shared_ptr<const caffe::NetParameter> read_caffe_model(const std::filesystem::path& path) {
  const auto net = std::make_shared<caffe::NetParameter>();
  {
    const FileContent content(path);
    if (content.bytes().size() > std::numeric_limits<int>::max())
      refuse_file(path, "{} MiB long, expected a Caffe model of less than 2 GiB", content.bytes().size() >> 20U);
    if (!net->ParseFromArray(content.bytes().data(), static_cast<int>(content.bytes().size())))
      refuse_file(path, "begins as a Caffe model does, but is damaged, truncated or something else");
  }
  upgrade(*net);
  if (net->layer().empty()) refuse_file(path, "begins as a Caffe model does, but has no layers");
  return net;
}

std::shared_ptr<const caffe::NetParameter> read_caffe_text(const std::filesystem::path& path) {
  const FileContent content(path);
  const std::string_view text = text_of(content.bytes());
  if (text.size() > kLargestText) refuse_file(path, "too long for a prototxt");
  if (nesting(text) > kDeepest) refuse_file(path, "nested too deep for a prototxt");
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  parser.RecordErrorsTo(&error);
  const auto net = std::make_shared<caffe::NetParameter>();
  if (!parser.ParseFromString(std::string(text), net.get()))
    fail_input("{}:{}; expected a network as a prototxt", path.string(), printable(error.text()));
  upgrade(*net);
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
