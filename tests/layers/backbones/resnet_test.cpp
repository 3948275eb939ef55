#include "layers/backbones/resnet.h"

#include <map>
#include <set>

#include "cpu/reference/reference_backend.h"
#include "layers/backbones/factory.h"
#include "layers/torch_layout.h"
#include "tests/layers/losses/default_loss.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

/// The tensors of an architecture with torchvision's 1000 classes, leaving out our embedding head.
std::vector<NamedTensor> torchvision_part(TwinTowers& model) {
  auto state = model.state();
  std::erase_if(state, [](const NamedTensor& t) { return t.name.starts_with("embedding."); });
  return state;
}

TEST_CASE("ResNets have as many parameters as torchvision's and timm's") {
  struct Row {
    std::string arch;
    std::size_t tensors;
    std::int64_t numbers;
  };
  // len(list(m.parameters())) and sum(p.numel() for p in m.parameters())
  for (const Row& row : std::vector<Row>{{"resnet18", 62, 11'689'512},
                                         {"resnet34", 110, 21'797'672},
                                         {"resnet50", 161, 25'557'032},
                                         {"resnet101", 314, 44'549'160},
                                         {"resnet26", 89, 15'995'176},
                                         {"resnet18d", 68, 11'708'744},
                                         {"resnet26d", 95, 16'014'408},
                                         {"resnet34d", 116, 21'816'904},
                                         {"resnet50d", 167, 25'576'264},
                                         {"resnet101d", 320, 44'568'392},
                                         {"resnet152d", 473, 60'212'040},
                                         {"wide_resnet50_2", 161, 68'883'240},
                                         {"wide_resnet101_2", 314, 126'886'696},
                                         {"resnext50_32x4d", 161, 25'028'904},
                                         {"resnext101_32x4d", 314, 44'177'704},
                                         {"resnext101_32x8d", 314, 88'791'336},
                                         {"resnext101_64x4d", 314, 83'455'272}}) {
    CAPTURE(row.arch);
    const auto backend = make_cpu_backend();
    TwinTowers model(*backend, DType::f32, {{row.arch}, 1000, {8}});
    std::size_t tensors = 0;
    std::int64_t numbers = 0;
    for (const NamedTensor& t : torchvision_part(model))
      if (t.parameter) ++tensors, numbers += t.tensor().size();
    CHECK(tensors == row.tensors);
    CHECK(numbers == row.numbers);
  }
}

TEST_CASE("the embedding head adds its own parameters to a ResNet-50") {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet50"}, 12, {1024, 256}});
  std::int64_t numbers = 0;
  for (const NamedTensor& p : model.parameters()) numbers += p.tensor().size();
  CHECK(numbers == 23'508'032 + (2048 * 12 + 12) + (2048 * 1024 + 1024) + (1024 * 256 + 256));
}

TEST_CASE("parameters have torchvision's names and shapes") {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet50"}, 1000, {8}});
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const NamedTensor& t : torchvision_part(model)) shapes[t.name] = torch_shape(t.tensor().shape());
  CHECK(shapes.size() == 161 + 53 * 2);  // and two statistics for each of 53 batch norms
  const auto is = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    INFO(name);
    REQUIRE(shapes.contains(name));
    CHECK(shapes[name] == shape);
  };
  is("conv1.weight", {64, 3, 7, 7});
  is("bn1.running_var", {64});
  is("layer1.0.conv1.weight", {64, 64, 1, 1});
  is("layer1.0.downsample.0.weight", {256, 64, 1, 1});
  is("layer1.0.downsample.1.running_mean", {256});
  is("layer2.0.conv1.weight", {128, 256, 1, 1});
  is("layer2.0.conv2.weight", {128, 128, 3, 3});
  is("layer2.0.bn2.weight", {128});
  is("layer3.5.conv3.weight", {1024, 256, 1, 1});
  is("layer4.2.bn3.bias", {2048});
  is("fc.weight", {1000, 2048});
  is("fc.bias", {1000});

  TwinTowers small(*backend, DType::f32, {{"resnet18"}, 1000, {8}});
  std::set<std::string> names;
  for (const NamedTensor& t : torchvision_part(small)) names.insert(t.name);
  CHECK(names.size() == 62 + 20 * 2);
  CHECK(names.contains("layer2.0.downsample.0.weight"));
  CHECK_FALSE(names.contains("layer1.0.downsample.0.weight"));
  CHECK_FALSE(names.contains("layer1.0.conv3.weight"));
}

/// Computes no convolution, but remembers each one's geometry and input under its weight's address.
class ConvolutionSpy : public cpu::ReferenceBackend {
 public:
  struct Call {
    Conv2dGeometry geometry;
    Shape input;
    bool operator==(const Call&) const = default;
  };

  void conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) override {
    calls[w.raw()] = {geometry, x.shape()};
    fill(y, 0.0);
  }

  std::map<const void*, Call> calls;
};

/// The convolutions of a network on one image of 64 pixels, by the names of their weights.
std::map<std::string, ConvolutionSpy::Call> convolutions(const ResNetSpec& spec) {
  ConvolutionSpy spy;
  ResNet backbone(spy, DType::f32, spec);
  initialise(spy, backbone, 1);
  Context context{spy};
  CHECK(backbone.forward(context, test::random_tensor(spy, {1, 64, 64, 3}, DType::f32, 1)).shape() ==
        Shape{1, backbone.features()});
  std::map<std::string, ConvolutionSpy::Call> calls;
  for (const NamedTensor& t : backbone.parameters())
    if (spy.calls.contains(t.tensor().raw())) calls[t.name] = spy.calls[t.tensor().raw()];
  CHECK(calls.size() == spy.calls.size());
  return calls;
}

TEST_CASE("the stride of a bottleneck is on its 3x3 convolution") {
  auto calls = convolutions({});
  CHECK(calls.size() == 53);
  using Call = ConvolutionSpy::Call;
  CHECK(calls["conv1.weight"] == Call{{2, 3}, {1, 64, 64, 3}});
  CHECK(calls["layer1.0.conv2.weight"] == Call{{1, 1}, {1, 16, 16, 64}});
  CHECK(calls["layer2.0.conv1.weight"] == Call{{1, 0}, {1, 16, 16, 256}});
  CHECK(calls["layer2.0.conv2.weight"] == Call{{2, 1}, {1, 16, 16, 128}});
  CHECK(calls["layer2.0.conv3.weight"] == Call{{1, 0}, {1, 8, 8, 128}});
  CHECK(calls["layer2.0.downsample.0.weight"] == Call{{2, 0}, {1, 16, 16, 256}});
  CHECK(calls["layer2.1.conv2.weight"] == Call{{1, 1}, {1, 8, 8, 128}});
  CHECK(calls["layer4.0.conv2.weight"] == Call{{2, 1}, {1, 4, 4, 512}});
  CHECK(calls["layer4.2.conv3.weight"] == Call{{1, 0}, {1, 2, 2, 512}});
}

TEST_CASE("the stride of a bottleneck is on its first 1x1 convolution if the spec says so") {
  auto calls = convolutions({.stride_on = ResNetSpec::StrideOn::conv1x1});
  CHECK(calls.size() == 53);
  using Call = ConvolutionSpy::Call;
  CHECK(calls["layer2.0.conv1.weight"] == Call{{2, 0}, {1, 16, 16, 256}});
  CHECK(calls["layer2.0.conv2.weight"] == Call{{1, 1}, {1, 8, 8, 128}});
  CHECK(calls["layer2.0.conv3.weight"] == Call{{1, 0}, {1, 8, 8, 128}});
  CHECK(calls["layer2.0.downsample.0.weight"] == Call{{2, 0}, {1, 16, 16, 256}});
  CHECK(calls["layer2.1.conv1.weight"] == Call{{1, 0}, {1, 8, 8, 512}});
}

TEST_CASE("the stride of a basic block is on its first convolution") {
  auto calls = convolutions({.block = ResNetSpec::Block::basic, .depths = {2, 2, 2, 2}});
  CHECK(calls.size() == 20);
  using Call = ConvolutionSpy::Call;
  CHECK(calls["layer3.0.conv1.weight"] == Call{{2, 1}, {1, 8, 8, 128}});
  CHECK(calls["layer3.0.conv2.weight"] == Call{{1, 1}, {1, 4, 4, 256}});
}

TEST_CASE("groups, deep stems and pooled shortcuts are where timm has them") {
  using Call = ConvolutionSpy::Call;
  auto calls = convolutions({.groups = 32, .group_width = 4});
  CHECK(calls.size() == 53);
  CHECK(calls["layer1.0.conv1.weight"] == Call{{1, 0}, {1, 16, 16, 64}});
  CHECK(calls["layer1.0.conv2.weight"] == Call{{1, 1, 32}, {1, 16, 16, 128}});
  CHECK(calls["layer1.0.conv3.weight"] == Call{{1, 0}, {1, 16, 16, 128}});
  CHECK(calls["layer4.0.conv2.weight"] == Call{{2, 1, 32}, {1, 4, 4, 1024}});
  CHECK(calls["layer4.0.downsample.0.weight"] == Call{{2, 0}, {1, 4, 4, 1024}});

  calls = convolutions({.deep_stem = true, .pooled_shortcut = true});
  CHECK(calls.size() == 55);
  CHECK(calls["conv1.0.weight"] == Call{{2, 1}, {1, 64, 64, 3}});
  CHECK(calls["conv1.3.weight"] == Call{{1, 1}, {1, 32, 32, 32}});
  CHECK(calls["conv1.6.weight"] == Call{{1, 1}, {1, 32, 32, 32}});
  CHECK(calls["layer1.0.downsample.1.weight"] == Call{{1, 0}, {1, 16, 16, 64}});
  CHECK(calls["layer2.0.downsample.1.weight"] == Call{{1, 0}, {1, 8, 8, 256}});
  CHECK(calls["layer4.0.downsample.1.weight"] == Call{{1, 0}, {1, 2, 2, 1024}});
  CHECK(calls["layer4.0.conv2.weight"] == Call{{2, 1}, {1, 4, 4, 512}});
}

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

/// The shapes, as PyTorch has them, of a ResNet's parameters and statistics, spelt out convolution by convolution.
Shapes expected_shapes(bool bottleneck, const std::vector<int>& depths, std::int64_t width, std::int64_t stem) {
  Shapes shapes;
  const auto convolution = [&](const std::string& conv, const std::string& norm, std::int64_t in, std::int64_t out,
                               std::int64_t window) {
    shapes[conv + ".weight"] = {out, in, window, window};
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) shapes[norm + part] = {out};
  };
  convolution("conv1", "bn1", 3, stem, 7);
  std::int64_t in = stem;
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    const std::int64_t inner = width * (std::int64_t{1} << stage), out = bottleneck ? 4 * inner : inner;
    for (int i = 0; i < depths[stage]; ++i, in = out) {
      const std::string block = fmt::format("layer{}.{}.", stage + 1, i);
      convolution(block + "conv1", block + "bn1", in, inner, bottleneck ? 1 : 3);
      convolution(block + "conv2", block + "bn2", inner, inner, 3);
      if (bottleneck) convolution(block + "conv3", block + "bn3", inner, out, 1);
      const bool shortcut_fits = in == out && (stage == 0 || i > 0);
      if (!shortcut_fits) convolution(block + "downsample.0", block + "downsample.1", in, out, 1);
    }
  }
  return shapes;
}

TEST_CASE("a ResNet has the blocks, depths and widths that its spec says") {
  using Block = ResNetSpec::Block;
  const auto backend = make_cpu_backend();
  for (const ResNetSpec& spec : std::vector<ResNetSpec>{
           {.block = Block::basic, .depths = {1, 2}, .width = 6, .stem_width = 6},
           {.block = Block::basic, .depths = {2, 1, 1}, .width = 8, .stem_width = 5},
           {.block = Block::bottleneck, .depths = {1, 3, 2, 1}, .width = 4, .stem_width = 8},
           {.block = Block::bottleneck, .depths = {2}, .width = 4, .stem_width = 16},
           {.depths = {1, 1}, .width = 4, .stem_width = 4, .stride_on = ResNetSpec::StrideOn::conv1x1}}) {
    ResNet backbone(*backend, DType::f32, spec);
    Shapes shapes;
    for (const NamedTensor& t : backbone.state()) shapes[t.name] = torch_shape(t.tensor().shape());
    const bool bottleneck = spec.block == Block::bottleneck;
    CHECK(shapes == expected_shapes(bottleneck, spec.depths, spec.width, spec.stem_width));
    CHECK(backbone.features() == (bottleneck ? 4 : 1) * spec.width << (spec.depths.size() - 1));
    initialise(*backend, backbone, 1);
    Context context{*backend, DType::f32};
    const Tensor images = test::random_tensor(*backend, {2, 20, 24, 3}, DType::f32, 1);
    CHECK(backbone.forward(context, images).shape() == Shape{2, backbone.features()});
  }
  CHECK_THROWS_AS(ResNet(*backend, DType::f32, {.depths = {}}), Error);
  CHECK_THROWS_AS(ResNet(*backend, DType::f32, {.depths = {1, 0}}), Error);
  CHECK_THROWS_AS(ResNet(*backend, DType::f32, {.depths = {1}, .width = 8, .group_width = 4}), Error);
  CHECK_THROWS_AS(ResNet(*backend, DType::f32, {.depths = {1}, .stem_width = 9, .deep_stem = true}), Error);
  CHECK_THROWS_AS(ResNet(*backend, DType::f32, {.block = Block::basic, .depths = {1}, .groups = 2}), Error);
}

/// Leaves NaNs in the memory that the next tensors get, so that a kernel that reads what nobody wrote is noticed.
void poison_free_memory(Backend& backend) {
  const std::vector<std::uint8_t> ones(std::size_t{1} << 26, 0xFF);
  Tensor poison = backend.empty({static_cast<std::int64_t>(ones.size())}, DType::u8);
  backend.copy_from_host(ones.data(), poison);
}

/// One step's loss over two pairs of images of this size; checks that every gradient is there and finite.
double step_loss(DType compute, const std::string& arch, std::int64_t size) {
  const auto backend = compute == DType::f64 ? make_reference_backend() : make_cpu_backend();
  TwinTowers model(*backend, param_dtype(compute), {{arch}, 4, {16, 8}});
  initialise(*backend, model, 2);
  Tape tape;
  Context context{*backend, compute, true, 2, &tape};
  const Tensor images = test::random_tensor(*backend, {4, size, size, 3}, compute, 6);
  const Tensor labels = test::label_tensor(*backend, {0, 1, 0, 3});
  poison_free_memory(*backend);
  const TowerOutputs outputs = model.forward(context, images);
  CHECK(outputs.logits.shape() == Shape{4, 4});
  CHECK(outputs.embeddings.shape() == Shape{4, 8});
  const Variable loss = test::default_loss(context, outputs, labels);
  tape.backward(*backend, loss);
  for (const NamedTensor& t : model.state()) {
    INFO(t.name);
    CHECK(test::all_finite(download(*backend, t.parameter ? t.parameter->gradient() : t.tensor())));
  }
  return download(*backend, loss.value())[0];
}

TEST_CASE("images of any size pass forward and backward in f32") {
  CHECK(step_loss(DType::f32, "resnet18", 33) == Approx(step_loss(DType::f64, "resnet18", 33)).epsilon(1e-4));
  for (const std::int64_t size : {1, 16, 32, 47, 65}) {
    CAPTURE(size);
    CHECK(std::isfinite(step_loss(DType::f32, "resnet18", size)));
  }
}

TEST_CASE("folding batch norms changes nothing but rounding, and unfolding takes it back") {
  BackboneSpec all{"resnext50_32x4d"};
  all.resnet = {.depths = {1, 2}, .width = 16, .deep_stem = true, .pooled_shortcut = true};
  for (const BackboneSpec& spec : {BackboneSpec{"resnet18"}, BackboneSpec{"resnet50"}, all}) {
    const auto backend = make_reference_backend();
    const auto made = make_backbone(*backend, DType::f64, spec);
    Backbone& backbone = *made;
    initialise(*backend, backbone, 3);
    int seed = 0;
    for (const NamedTensor& t : backbone.state()) {
      if (t.tensor().shape().rank() != 1) continue;
      // Statistics and affine maps unlike the initial ones, variances and scales positive.
      Tensor random = test::random_tensor(*backend, t.tensor().shape(), DType::f64, static_cast<std::uint64_t>(++seed));
      std::vector<float> values;
      const bool positive = t.name.ends_with("running_var") || t.name.ends_with("weight");
      for (const double x : download(*backend, random))
        values.push_back(static_cast<float>(positive ? 0.5 + std::abs(x) / 4 : x / 4));
      upload(*backend, values, t.tensor());
    }
    Context context{*backend, DType::f64};
    const Tensor images = test::random_tensor(*backend, {2, 33, 40, 3}, DType::f64, 4);
    const auto features = [&] { return download(*backend, backbone.forward(context, images).value()); };
    const auto before = features();
    backbone.fold(*backend);
    const auto folded = features();
    CHECK(folded != before);
    CHECK(test::deviation(folded, before) < 1e-12);
    Context training{*backend, DType::f64, true};
    CHECK_THROWS_AS(backbone.forward(training, images), Error);
    backbone.unfold();
    CHECK(features() == before);
  }
}

TEST_CASE("images of any size pass forward and backward in bf16") {
  if (!make_cpu_backend()->supports(DType::bf16)) TANDEM_SKIP("this processor has no bf16 instructions");
  CHECK(step_loss(DType::bf16, "resnet18", 33) == Approx(step_loss(DType::f32, "resnet18", 33)).epsilon(0.05));
  for (const std::int64_t size : {1, 16, 32, 47, 65}) {
    CAPTURE(size);
    CHECK(std::isfinite(step_loss(DType::bf16, "resnet18", size)));
  }
  CHECK(std::isfinite(step_loss(DType::bf16, "resnet50", 47)));
}

}  // namespace
}  // namespace tandem
