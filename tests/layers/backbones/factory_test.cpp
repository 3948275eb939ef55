#include "layers/backbones/factory.h"

#include "layers/initialise.h"
#include "tests/layers/tensors.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

TEST_CASE("every backbone that has a name can be made, and gives as many features as it says") {
  const auto backend = make_cpu_backend();
  for (const std::string_view name : backbone_names()) {
    CAPTURE(name);
    BackboneSpec narrow{std::string(name)};  // so that it does not take long
    narrow.resnet.width = narrow.resnet.stem_width = 16;
    const auto backbone = make_backbone(*backend, DType::f32, narrow);
    initialise(*backend, *backbone, 1);
    Context context{*backend, DType::f32};
    const Tensor images = test::random_tensor(*backend, {1, 32, 32, 3}, DType::f32, 1);
    CHECK(backbone->forward(context, images).shape() == Shape{1, backbone->features()});
  }
}

TEST_CASE("an unknown backbone is refused with a list of the known ones") {
  const auto backend = make_cpu_backend();
  std::string message;
  try {
    make_backbone(*backend, DType::f32, {"resnet51"});
  } catch (const InputError& e) {
    message = e.what();
  }
  CHECK(message == "backbone: got \"resnet51\", expected one of " + known_backbones());
  CHECK(known_backbones().starts_with(R"("resnet18", "resnet34", "resnet50", "resnet101")"));
}

TEST_CASE("a ResNet is named, or told apart from the nearest that has a name") {
  using Block = ResNetSpec::Block;
  const auto named = [](const ResNetSpec& spec) { return backbone_of(spec); };
  CHECK(named({}).name == "resnet50");
  CHECK(named({}).resnet == ResNetVariant());
  const BackboneSpec next = named({.groups = 32, .group_width = 4});
  CHECK(next.name == "resnext50_32x4d");
  CHECK(next.resnet == ResNetVariant());
  const BackboneSpec wide = named({.width = 32, .group_width = 128});
  CHECK(wide.name == "wide_resnet50_2");
  CHECK(wide.resnet == ResNetVariant{.width = 32});
  const BackboneSpec both = named({.groups = 32, .group_width = 4, .deep_stem = true, .pooled_shortcut = true});
  CHECK(both.name == "resnext50_32x4d");
  CHECK(both.resnet == ResNetVariant{.deep_stem = true, .pooled_shortcut = true});
  const BackboneSpec plain = named({.block = Block::basic, .depths = {2, 2, 2, 2}, .pooled_shortcut = true});
  CHECK(plain.name == "resnet18");
  CHECK(plain.resnet == ResNetVariant{.pooled_shortcut = true});
  const BackboneSpec own = named({.block = Block::basic, .depths = {1, 5}, .stem_width = 24});
  CHECK(own.name == "resnet18");
  CHECK(own.resnet == ResNetVariant{.depths = {1, 5}, .stem_width = 24});
}

TEST_CASE("variants that are no network are refused") {
  const auto backend = make_cpu_backend();
  const auto error = [&](const std::string& name, const ResNetVariant& variant) {
    BackboneSpec spec{name};
    spec.resnet = variant;
    try {
      make_backbone(*backend, DType::f32, spec);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(error("resnet18", {.width = 8, .groups = 2}) ==
        "backbone: resnet18 with 2 groups of 64, expected 1 of 64, as it has no bottlenecks");
  CHECK(error("resnext50_32x4d", {.width = 8}) ==
        "backbone: resnext50_32x4d of width 8 has groups of 4 * 8 / 64 channels, expected at least 1");
  CHECK(error("resnet50d", {.width = 8, .stem_width = 9}) ==
        "backbone: resnet50d with a deep stem of 9 channels, expected an even number");
  CHECK(error("resnet50", {.width = 8, .groups = 0}).starts_with("backbone: resnet50 of width 8, stem width 64, 0 gr"));
  CHECK(error("resnet50", {.width = 8, .deep_stem = true}).empty());
}

}  // namespace
}  // namespace tandem
