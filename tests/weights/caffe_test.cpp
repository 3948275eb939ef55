// Caffe's networks: read in both formats, understood by their graph, and their norms put together.

#include <google/protobuf/text_format.h>

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_models.h"
#include "tests/weights/files.h"
#include "weights/match.h"
#include "weights/resnet_weights.h"

namespace tandem {
namespace {

using test::CaffeBuilder;
using test::contains;
using test::error_of;

std::string binary(const caffe::NetParameter& net) { return net.SerializeAsString(); }

std::string text(caffe::NetParameter net) {
  for (caffe::LayerParameter& layer : *net.mutable_layer()) layer.clear_blobs();
  for (caffe::V1LayerParameter& layer : *net.mutable_layers()) layer.clear_blobs();
  std::string written;
  google::protobuf::TextFormat::PrintToString(net, &written);
  return written;
}

const caffe::LayerParameter& layer_of(const caffe::NetParameter& net, const std::string& name) {
  for (const caffe::LayerParameter& layer : net.layer())
    if (layer.name() == name) return layer;
  throw std::runtime_error("no layer " + name);
}

std::vector<float> values(const ResNetWeights& weights, const std::string& name) {
  const WeightsEntry* entry = weights.find(name);
  if (!entry) throw std::runtime_error("no tensor " + name);
  return real_values<float>(*entry);
}

/// What Caffe computes in a channel behind a convolution whose sum is `x`, its layers one after the other.
double caffe_answer(const caffe::NetParameter& net, const std::string& name, int channel, double x) {
  const caffe::LayerParameter& conv = layer_of(net, name);
  if (conv.blobs_size() > 1) x += static_cast<double>(conv.blobs(1).data(channel));
  for (const caffe::LayerParameter& layer : net.layer()) {
    const auto at = [&](int blob) { return static_cast<double>(layer.blobs(blob).data(channel)); };
    if (layer.name() == "bn_of_" + name) {
      const double sum = static_cast<double>(layer.blobs(2).data(0)), factor = sum == 0 ? 0 : 1 / sum;
      x = (x - at(0) * factor) / std::sqrt(at(1) * factor + static_cast<double>(layer.batch_norm_param().eps()));
    }
    if (layer.name() == "scale_of_" + name) x = x * at(0) + at(1);
  }
  return x;
}

/// The same by torch's batch norm with the parameters that were read.
double our_answer(const ResNetWeights& weights, const std::string& norm, std::size_t channel, double x) {
  const auto at = [&](const char* name) { return static_cast<double>(values(weights, norm + "." + name)[channel]); };
  return (x - at("running_mean")) / std::sqrt(at("running_var") + 1e-5) * at("weight") + at("bias");
}

void check_norms(const caffe::NetParameter& net, const ResNetWeights& weights) {
  for (const auto& [caffe_name, ours, channels] :
       {std::tuple("stem", "bn1", 4), std::tuple("b1_p", "layer1.0.downsample.1", 8),
        std::tuple("b1_z", "layer1.0.bn1", 2), std::tuple("b1_x", "layer1.0.bn3", 8),
        std::tuple("b2_y", "layer1.1.bn2", 2), std::tuple("b3_x", "layer2.0.bn3", 16)})
    for (int channel = 0; channel < channels; ++channel)
      for (const double x : {-3.0, 0.25, 7.0}) {
        INFO(caffe_name << " channel " << channel);
        CHECK(our_answer(weights, ours, static_cast<std::size_t>(channel), x) ==
              Approx(caffe_answer(net, caffe_name, channel, x)).epsilon(1e-5).margin(1e-5));
      }
}

void check_tiny(const caffe::NetParameter& net, const ResNetWeights& weights) {
  CHECK(weights.shape.bottleneck);
  CHECK(weights.shape.depths == std::vector<int>{2, 1});
  CHECK(weights.shape.width == 2);
  CHECK(weights.shape.stem_width == 4);
  CHECK(weights.shape.stride_on_1x1);
  CHECK(weights.shape.caffe_pool);
  CHECK(weights.classes == 3);
  CHECK(weights.left_over.empty());
  CHECK(weights.input->bgr);
  CHECK(weights.input->size == 64);
  const auto conv = [&](const std::string& ours, const std::string& theirs) {
    const auto& data = layer_of(net, theirs).blobs(0).data();
    CHECK(values(weights, ours) == std::vector<float>(data.begin(), data.end()));
  };
  conv("conv1.weight", "stem");
  conv("layer1.0.conv1.weight", "b1_z");
  conv("layer1.0.conv2.weight", "b1_y");
  conv("layer1.0.conv3.weight", "b1_x");
  conv("layer1.0.downsample.0.weight", "b1_p");
  conv("layer1.1.conv1.weight", "b2_z");
  conv("layer2.0.downsample.0.weight", "b3_p");
  conv("fc.weight", "answer");
  CHECK(weights.find("layer1.1.downsample.0.weight") == nullptr);
  CHECK(weights.find("fc.weight")->shape == std::vector<std::int64_t>{3, 16});
  CHECK(weights.find("conv1.weight")->shape == std::vector<std::int64_t>{4, 3, 7, 7});
  check_norms(net, weights);
}

struct Written {
  test::TempDir folder;
  ResNetWeights read(const std::string& model, const std::string& net = "") const {
    const auto path = folder.write("a.caffemodel", model);
    return read_resnet({path, net.empty() ? std::filesystem::path() : folder.write("deploy.prototxt", net), ""});
  }
  std::string error(const caffe::NetParameter& net) const {
    return error_of([&] { (void)read(binary(net)); });
  }
};

TEST_CASE("a Caffe ResNet is found by its graph, with and without its prototxt") {
  const Written files;
  const caffe::NetParameter net = CaffeBuilder().resnet().net;
  check_tiny(net, files.read(binary(net)));
  check_tiny(net, files.read(binary(net), text(net)));
  // The graph of the prototxt alone: the model's own graph says nothing.
  caffe::NetParameter blobs = net;
  for (caffe::LayerParameter& layer : *blobs.mutable_layer()) {
    layer.clear_bottom();
    layer.clear_top();
  }
  check_tiny(net, files.read(binary(blobs), "force_backward: true  # a field that is not known\n" + text(net)));
}

TEST_CASE("a Caffe ResNet of the old format is read") {
  const Written files;
  caffe::NetParameter net = CaffeBuilder().resnet().net;
  for (caffe::LayerParameter& layer : *net.mutable_layer()) layer.clear_batch_norm_param();  // Caffe's own epsilon
  const caffe::NetParameter old = test::to_v1(net);
  check_tiny(net, files.read(binary(old)));
  const WeightsFile file = read_weights(files.folder.write("old", binary(old)));
  CHECK(file.format == "Caffe");
  CHECK(file.find("stem[0]")->shape == std::vector<std::int64_t>{4, 3, 7, 7});
  CHECK(file.find("bn_of_stem[2]")->shape == std::vector<std::int64_t>{1, 1, 1, 1});
}

TEST_CASE("norms that lack a layer or a factor are put together as Caffe computes them") {
  const Written files;
  for (const float factor : {0.0F, 0.5F, 999.98F})
    for (const bool scale : {false, true})
      for (const bool bias : {false, true})
        for (const bool norm : {false, true}) {
          CaffeBuilder builder;
          builder.factor = factor;
          builder.scale = scale;
          builder.conv_bias = bias;
          builder.batch_norm = norm;
          INFO("factor " << factor << " scale " << scale << " bias " << bias << " norm " << norm);
          const caffe::NetParameter net = builder.resnet().net;
          check_norms(net, files.read(binary(net)));
        }
}

TEST_CASE("a Caffe network as it was trained is read for the test phase") {
  const Written files;
  CaffeBuilder builder;
  builder.resnet();
  caffe::NetParameter net = builder.net;
  caffe::LayerParameter& data = *net.mutable_layer(0);
  data.set_type("Data");
  data.clear_input_param();
  data.add_include()->set_phase(caffe::TRAIN);
  for (const float mean : {104.0F, 117.0F, 123.0F}) data.mutable_transform_param()->add_mean_value(mean);
  data.mutable_transform_param()->set_crop_size(64);
  data.mutable_transform_param()->set_scale(0.5F);
  // A second answer, from a split, dropped out, and a layer of the training phase alone.
  builder.net = net;
  builder.layer("answer_split", "Split", {"last"}, "last_split_0").add_top("last_split_1");
  builder.layer("drop", "Dropout", {"last_split_0"}, "last_split_0");
  caffe::LayerParameter& other = builder.layer("other", "InnerProduct", {"last_split_0"}, "other");
  builder.blob(other, {5, 16});
  builder.layer("loss", "SoftmaxWithLoss", {"answer", "label"}, "loss").add_include()->set_phase(caffe::TRAIN);
  const ResNetWeights weights = files.read(binary(builder.net));
  CHECK(weights.classes == 3);
  CHECK(weights.input->mean == std::array<double, 3>{104, 117, 123});
  CHECK(weights.input->scale == 0.5);
  CHECK(weights.input->size == 64);
  REQUIRE(weights.left_over.size() == 1);
  CHECK(weights.left_over[0].name == "other[0]");
}

TEST_CASE("a Caffe network that is no ResNet is refused with the layer") {
  const Written files;
  const caffe::NetParameter good = CaffeBuilder().resnet().net;
  const auto with = [&](const std::string& name, const auto& change) {
    caffe::NetParameter net = good;
    for (caffe::LayerParameter& layer : *net.mutable_layer())
      if (layer.name() == name) change(layer);
    return files.error(net);
  };
  CHECK(contains(with("first", [](auto& layer) { layer.mutable_pooling_param()->set_pad(1); }),
                 "the layer first (Pooling) is no"));
  CHECK(contains(
      with("b1", [](auto& layer) { layer.mutable_eltwise_param()->set_operation(caffe::EltwiseParameter::MAX); }),
      "the layer b1 (Eltwise) is no sum of two"));
  CHECK(contains(with("b1", [](auto& layer) { layer.mutable_eltwise_param()->add_coeff(0.5F); }), "is no sum of two"));
  CHECK(
      contains(with("b1_y", [](auto& layer) { layer.mutable_convolution_param()->add_dilation(2); }), "or is dilated"));
  CHECK(contains(with("b1_y", [](auto& layer) { layer.mutable_convolution_param()->set_group(2); }),
                 "has 1 groups, expected 2"));
  CHECK(contains(with("b3_y", [](auto& layer) { layer.mutable_convolution_param()->set_stride(0, 2); }),
                 "has kernel 3, stride 2"));
  CHECK(contains(with("relu_of_b1_z", [](auto& layer) { layer.set_type("TanH"); }),
                 "takes its input from the layer relu_of_b1_z (TanH)"));
  CHECK(contains(with("relu_of_stem", [](auto& layer) { layer.mutable_relu_param()->set_negative_slope(0.1F); }),
                 "has a slope"));
  CHECK(contains(with("bn_of_stem", [](auto& layer) { layer.mutable_blobs()->RemoveLast(); }),
                 "has 2 blobs, expected 3"));
  CHECK(contains(with("bn_of_stem", [](auto& layer) { layer.add_blobs(); }), "has 4 blobs, expected 3"));
  CHECK(contains(with("bn_of_stem", [](auto& layer) { layer.mutable_blobs(0)->add_data(1); }),
                 "a blob of the layer bn_of_stem is (4), but has 5 numbers"));
  CHECK(contains(with("b2_z", [](auto& layer) { layer.clear_blobs(); }), "has no blobs for the layer b2_z"));
  CHECK(contains(files.error(caffe::NetParameter()), "not a file of weights"));
}

TEST_CASE("a prototxt with a mistake is refused with its line") {
  const Written files;
  const caffe::NetParameter net = CaffeBuilder().resnet().net;
  const auto error = [&](const std::string& prototxt) {
    return error_of([&] { (void)files.read(binary(net), prototxt); });
  };
  CHECK(contains(error("name: \"x\"\nlayer { name: 3 }"), "deploy.prototxt:2:"));
  CHECK(contains(error("name: \"x\""), "has no layers"));
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "x {";
  CHECK(contains(error(deep), "nested too deep"));
}

}  // namespace
}  // namespace tandem
