#include "layers/backbones/resnet.h"

#include <map>
#include <set>

#include "cpu/reference/reference_backend.h"
#include "layers/losses/pair_loss.h"
#include "layers/torch_layout.h"
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

TEST_CASE("ResNets have as many parameters as torchvision's") {
  struct Row {
    std::string arch;
    std::size_t tensors;
    std::int64_t numbers;
  };
  // len(list(m.parameters())) and sum(p.numel() for p in m.parameters())
  for (const Row& row : std::vector<Row>{{"resnet18", 62, 11'689'512},
                                         {"resnet34", 110, 21'797'672},
                                         {"resnet50", 161, 25'557'032},
                                         {"resnet101", 314, 44'549'160}}) {
    CAPTURE(row.arch);
    const auto backend = make_cpu_backend();
    TwinTowers model(*backend, DType::f32, {row.arch, 1000, {8}});
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
  TwinTowers model(*backend, DType::f32, {"resnet50", 12, {1024, 256}});
  std::int64_t numbers = 0;
  for (const NamedTensor& p : model.parameters()) numbers += p.tensor().size();
  CHECK(numbers == 23'508'032 + (2048 * 12 + 12) + (2048 * 1024 + 1024) + (1024 * 256 + 256));
}

TEST_CASE("parameters have torchvision's names and shapes") {
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {"resnet50", 1000, {8}});
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

  TwinTowers small(*backend, DType::f32, {"resnet18", 1000, {8}});
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

TEST_CASE("the stride of a bottleneck is on its 3x3 convolution") {
  ConvolutionSpy spy;
  ResNet backbone(spy, DType::f32, resnet_spec("resnet50"));
  initialise(spy, backbone, 1);
  Context context{spy};
  CHECK(backbone.forward(context, test::random_tensor(spy, {1, 64, 64, 3}, DType::f32, 1)).shape() == Shape{1, 2048});

  std::map<std::string, ConvolutionSpy::Call> calls;
  for (const NamedTensor& t : backbone.parameters())
    if (spy.calls.contains(t.tensor().raw())) calls[t.name] = spy.calls[t.tensor().raw()];
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

TEST_CASE("the stride of a basic block is on its first convolution") {
  ConvolutionSpy spy;
  ResNet backbone(spy, DType::f32, resnet_spec("resnet18"));
  initialise(spy, backbone, 1);
  Context context{spy};
  CHECK(backbone.forward(context, test::random_tensor(spy, {1, 64, 64, 3}, DType::f32, 1)).shape() == Shape{1, 512});
  using Call = ConvolutionSpy::Call;
  for (const NamedTensor& t : backbone.parameters()) {
    if (t.name == "layer3.0.conv1.weight") CHECK(spy.calls.at(t.tensor().raw()) == Call{{2, 1}, {1, 8, 8, 128}});
    if (t.name == "layer3.0.conv2.weight") CHECK(spy.calls.at(t.tensor().raw()) == Call{{1, 1}, {1, 4, 4, 256}});
  }
}

TEST_CASE("an unknown architecture is refused with a list of the known ones") {
  const auto backend = make_cpu_backend();
  std::string message;
  try {
    TwinTowers(*backend, DType::f32, {"resnet51", 12, {8}});
  } catch (const InputError& e) {
    message = e.what();
  }
  CHECK(message == "arch: got \"resnet51\", expected one of resnet18, resnet34, resnet50, resnet101");
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
  TwinTowers model(*backend, param_dtype(compute), {arch, 4, {16, 8}});
  initialise(*backend, model, 2);
  Tape tape;
  Context context{*backend, compute, true, 2, &tape};
  const Tensor images = test::random_tensor(*backend, {4, size, size, 3}, compute, 6);
  const Tensor labels = test::label_tensor(*backend, {0, 1, 0, 3});
  poison_free_memory(*backend);
  const TowerOutputs outputs = model.forward(context, images);
  CHECK(outputs.logits.shape() == Shape{4, 4});
  CHECK(outputs.embeddings.shape() == Shape{4, 8});
  const PairLosses losses = pair_loss(context, outputs, labels, {});
  tape.backward(*backend, losses.total);
  for (const NamedTensor& t : model.state()) {
    INFO(t.name);
    CHECK(test::all_finite(download(*backend, t.parameter ? t.parameter->gradient() : t.tensor())));
  }
  return download(*backend, losses.total.value())[0];
}

TEST_CASE("images of any size pass forward and backward in f32") {
  CHECK(step_loss(DType::f32, "resnet18", 33) == Approx(step_loss(DType::f64, "resnet18", 33)).epsilon(1e-4));
  for (const std::int64_t size : {1, 16, 32, 47, 65}) {
    CAPTURE(size);
    CHECK(std::isfinite(step_loss(DType::f32, "resnet18", size)));
  }
}

TEST_CASE("folding batch norms changes nothing but rounding, and unfolding takes it back") {
  for (const std::string arch : {"resnet18", "resnet50"}) {
    const auto backend = make_reference_backend();
    ResNet backbone(*backend, DType::f64, resnet_spec(arch));
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
